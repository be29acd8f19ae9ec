import { untilAborted } from "../../abort.ts";
import type { AttemptContext } from "../attempt-context.ts";
import type { Counters } from "../counters.ts";
import { gathered } from "../input/gathered.ts";
import { countNewlines } from "../input/count-newlines.ts";
import type { RecordBatch } from "../input/record-batches.ts";
import type { WholeFile } from "../input/whole-file.ts";
import type { LineTarget } from "../shuffle/collector.ts";
import type { Sink } from "../sink.ts";
import { runStreams } from "./streams.ts";
import { mapRecords } from "./module-loops.ts";
import { ModuleProgram } from "./module-program.ts";
import type { ArtifactProgram, Program, Reader } from "./program.ts";
import { RawOutput } from "./raw-output.ts";
import { TextOutput } from "./text-output.ts";
import { TextRecords } from "./text-records.ts";
import { mapBatches } from "./wasm-loops.ts";

/** A mapper and its input. */
export type Mapping = {
  readonly mapper: Program;
  readonly input: AsyncIterable<RecordBatch>;
  /** For an executable: a file with the whole input, to be read instead. */
  readonly file?: WholeFile | undefined;
  readonly context: AttemptContext;
};

/**
 * Runs a mapper whose records go to reducers.
 * @param reader the executable that reads what the mapper emits, see `Emitter`
 * @throws ProgramError if the mapper fails; the signal's reason when aborted; what the input or `target` throws
 */
export async function mapToRecords(mapping: Mapping, target: LineTarget, reader?: Reader): Promise<void> {
  const { mapper, input, context } = mapping;
  if (mapper.type === "wasm") {
    countOutput(context.counters, await mapBatches(mapper, input, target, context, reader));
    return;
  }
  if (mapper.type === "module") {
    const module = await ModuleProgram.load(mapper, "map", context);
    countOutput(context.counters, await mapRecords(module, input, target, context, reader));
    return;
  }
  const output = new TextRecords(mapper, context.recordLimit, target);
  if (mapper.type === "builtin") {
    await passOn(mapping, (lines) => output.pushLines(lines));
    context.counters.count("mapInputRecords", output.records);
  } else await runExecutableMapper(mapper, mapping, (chunk) => output.push(chunk));
  await output.end();
  countOutput(context.counters, output);
}

/**
 * Runs the mapper of a map-only job. An executable's output, and lines that nobody changes, are passed on as they are. A module's
 * records become lines `key TAB value`, or just the key if the value is empty. The output is empty or ends with a newline.
 * @throws ProgramError if the mapper fails; the signal's reason when aborted; what the input or `sink` throws
 */
export async function mapToText(mapping: Mapping & { readonly sink: Sink }): Promise<void> {
  const { mapper, input, context, sink } = mapping;
  const { counters, signal } = context;
  if (mapper.type === "module" || mapper.type === "wasm") {
    const output = new TextOutput(context, sink);
    const emitted =
      mapper.type === "wasm"
        ? await mapBatches(mapper, input, output, context)
        : await mapRecords(await ModuleProgram.load(mapper, "map", context), input, output, context);
    await output.end();
    countOutput(counters, emitted);
    return;
  }
  const output = new RawOutput(sink, signal);
  const write: Write = (bytes) => output.write(bytes);
  if (mapper.type === "builtin") {
    await passOn(mapping, write);
    counters.count("mapInputRecords", output.lines);
  } else await runExecutableMapper(mapper, mapping, write);
  await output.end(counters);
  countOutput(counters, { records: output.lines, bytes: output.bytes });
}

function countOutput(
  counters: Counters,
  { records, bytes }: { readonly records: number; readonly bytes: number },
): void {
  counters.count("mapOutputRecords", records);
  counters.count("mapOutputBytes", bytes);
}

type Write = (bytes: Buffer) => Promise<void> | undefined;

/** Passes on the input as it is, in whole lines, and counts its bytes: whoever gets the lines counts them. */
async function passOn({ input, context }: Mapping, write: Write): Promise<void> {
  const { counters, progress, signal } = context;
  for await (const { bytes } of untilAborted(input, signal)) {
    progress.tick();
    counters.count("mapInputBytes", bytes.length);
    const written = write(bytes);
    if (written !== undefined) await written;
  }
}

async function runExecutableMapper(
  program: ArtifactProgram,
  { input, file, context }: Mapping,
  output: Write,
): Promise<void> {
  const { counters } = context;
  if (file === undefined) {
    await runStreams({ program, context, input: gathered(countedInput(input, counters)), output });
    return;
  }
  await runStreams({ program, context, input: file.descriptor, output });
  file.check();
  counters.count("mapInputRecords", file.records);
  counters.count("mapInputBytes", file.bytes);
}

/** Passes on lines and counts them. */
async function* countedInput(
  input: AsyncIterable<RecordBatch>,
  counters: Counters,
): AsyncGenerator<RecordBatch, void, void> {
  for await (const batch of input) {
    counters.count("mapInputRecords", countNewlines(batch.bytes));
    counters.count("mapInputBytes", batch.bytes.length);
    yield batch;
  }
}
