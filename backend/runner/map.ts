import type { AttemptContext } from "./attempt-context.ts";
import type { Counters } from "./counters.ts";
import { gathered } from "./input/gathered.ts";
import { countNewlines } from "./input/line-framer.ts";
import type { RecordBatch } from "./input/record-batches.ts";
import type { WholeFile } from "./input/whole-file.ts";
import { runExecutable } from "./programs/executable.ts";
import { mapRecords } from "./programs/module-loops.ts";
import { ModuleProgram } from "./programs/module-program.ts";
import type { Program, Reader } from "./programs/program.ts";
import { RawOutput } from "./programs/raw-output.ts";
import { TextOutput } from "./programs/text-output.ts";
import { Collector } from "./shuffle/collector.ts";
import { loadCombiner } from "./shuffle/combiner.ts";
import { CombiningCollector } from "./shuffle/combining-collector.ts";
import type { SegmentIndex } from "./shuffle/segment.ts";
import { type LineTarget, TextRecords } from "./shuffle/text-records.ts";
import type { Sink } from "./sink.ts";

/** The input of a map. */
type MapperInput = {
  readonly input: AsyncIterable<RecordBatch>;
  /** For an executable: a file with the whole input, to be read instead. */
  readonly file?: WholeFile | undefined;
};

/** A map task whose output goes to reducers. */
type MapToSegments = MapperInput & {
  readonly mapper: Program;
  readonly combiner?: Program | undefined;
  /** The part of the reducer that determines which input it can read. */
  readonly reducer?: Reader | undefined;
  /** The number of partitions, at least 1. */
  readonly partitions: number;
  readonly context: AttemptContext;
  /** Receives the shuffle object: the segments one after another. */
  readonly sink: Sink;
  /** Whether to compress the segments. */
  readonly compressing: boolean;
};

/**
 * Runs a mapper, sorts and combines what it emits, and writes one segment per partition.
 * @returns where the segments are
 * @throws ProgramError if a program fails; the signal's reason when aborted; what `input` or `sink` throws
 */
export async function mapToSegments(task: MapToSegments): Promise<SegmentIndex> {
  const { combiner, partitions, context, sink, compressing } = task;
  const collector =
    combiner === undefined
      ? new Collector(context, partitions, context.sortBuffer)
      : new CombiningCollector(context, partitions, await loadCombiner(combiner, context, executable(task.reducer)));
  try {
    await runMapper(task, collector, executable(combiner ?? task.reducer));
    return await collector.writeSegments(sink, compressing);
  } finally {
    collector.dispose();
  }
}

const executable = (program: Reader | undefined): Reader | undefined =>
  program?.type === "executable" ? program : undefined;

/** @param reader the executable that reads what the mapper emits */
async function runMapper(task: MapToSegments, target: LineTarget, reader: Reader | undefined): Promise<void> {
  const { mapper, context } = task;
  const { counters } = context;
  if (mapper.type === "module") {
    const module = await ModuleProgram.load(mapper, "map", context);
    const emitted = await mapRecords(module, task.input, target, context, reader);
    counters.count("mapOutputRecords", emitted.records);
    counters.count("mapOutputBytes", emitted.bytes);
  } else {
    const output = new TextRecords(mapper, context.recordLimit, target);
    await runExecutableMapper(task, (chunk) => output.push(chunk));
    await output.end();
    counters.count("mapOutputRecords", output.records);
    counters.count("mapOutputBytes", output.bytes);
  }
}

/** A map task of a map-only job: its output is the job's output. */
type MapToText = MapperInput & {
  readonly mapper: Program;
  readonly context: AttemptContext;
  readonly sink: Sink;
};

/**
 * Runs a mapper without a shuffle. An executable's output is passed on unchanged. A module's records become lines
 * `key TAB value`, or just the key if the value is empty. The output is empty or ends with a newline.
 * @throws ProgramError if the mapper fails; the signal's reason when aborted; what `input` or `sink` throws
 */
export async function mapToText(task: MapToText): Promise<void> {
  const { mapper, context, sink } = task;
  const { counters, signal } = context;
  if (mapper.type === "module") {
    const output = new TextOutput(context, sink);
    const module = await ModuleProgram.load(mapper, "map", context);
    const emitted = await mapRecords(module, task.input, output, context);
    await output.end();
    counters.count("mapOutputRecords", emitted.records);
    counters.count("mapOutputBytes", emitted.bytes);
  } else {
    const output = new RawOutput(sink, signal);
    await runExecutableMapper(task, (chunk) => output.write(chunk));
    await output.end(counters);
    counters.count("mapOutputRecords", output.lines);
    counters.count("mapOutputBytes", output.bytes);
  }
}

async function runExecutableMapper(
  { mapper, input, file, context }: MapToText | MapToSegments,
  output: (chunk: Buffer) => Promise<void> | undefined,
): Promise<void> {
  const { counters } = context;
  if (file === undefined) {
    await runExecutable({ program: mapper, context, input: gathered(countedInput(input, counters)), output });
    return;
  }
  await runExecutable({ program: mapper, context, input: file.descriptor, output });
  file.check();
  counters.count("mapInputRecords", file.records);
  counters.count("mapInputBytes", file.bytes);
}

/** Passes on the input of an executable and counts it. */
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
