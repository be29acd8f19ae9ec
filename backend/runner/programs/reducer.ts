import type { AttemptContext } from "../attempt-context.ts";
import { Pacer } from "../pacer.ts";
import type { BlockSource } from "../shuffle/blocks.ts";
import { forExecutables, textBatches } from "../shuffle/text-batches.ts";
import { UnfitValueError } from "../shuffle/unfit-value.ts";
import { type Sink, writeTo } from "../sink.ts";
import { runStreams } from "./streams.ts";
import { foldGroups } from "./module-loops.ts";
import { ModuleProgram } from "./module-program.ts";
import {
  aggregateOf,
  type ArtifactProgram,
  type BuiltinProgram,
  isTextual,
  type Program,
  ProgramError,
} from "./program.ts";
import { RawOutput } from "./raw-output.ts";
import { TextOutput } from "./text-output.ts";
import { foldBlocks } from "./wasm-loops.ts";

type Counts = { readonly records: number; readonly groups: number };

/**
 * Runs a reducer over sorted records. An executable's output is passed on unchanged. The records of others become lines
 * `key TAB value`, or just the key if the value is empty. The output is empty or ends with a newline.
 * @returns how many records and keys there were
 * @throws ProgramError if the reducer fails; the signal's reason when aborted; what `sorted` or `sink` throws
 */
export async function reduceToText(
  reducer: Program,
  sorted: BlockSource,
  context: AttemptContext,
  sink: Sink,
): Promise<Counts> {
  if (reducer.type === "builtin") return await runBuiltin(reducer, sorted, context, sink);
  if (isTextual(reducer)) return await runExecutableReducer(reducer, sorted, context, sink);
  const output = new TextOutput(context, sink);
  const counts =
    reducer.type === "wasm"
      ? await foldBlocks(reducer, sorted, output, context)
      : await foldGroups(await ModuleProgram.load(reducer, "reduce", context), sorted, output, context);
  await output.end();
  return counts;
}

async function runExecutableReducer(
  program: ArtifactProgram,
  sorted: BlockSource,
  context: AttemptContext,
  sink: Sink,
): Promise<Counts> {
  const counts = { records: 0, groups: 0 };
  const output = new RawOutput(sink, context.signal);
  const input = textBatches(sorted, forExecutables, context.sortBuffer, counts);
  await runStreams({ program, context, input, output: (chunk) => output.write(chunk) });
  await output.end(context.counters);
  return counts;
}

async function runBuiltin(
  program: BuiltinProgram,
  sorted: BlockSource,
  context: AttemptContext,
  sink: Sink,
): Promise<Counts> {
  const { signal, progress, counters } = context;
  const counts = { records: 0, groups: 0 };
  const pacer = new Pacer(signal);
  const aggregate = aggregateOf(program);
  try {
    for await (const lines of textBatches(sorted, { tabs: false, aggregate }, context.sortBuffer, counts)) {
      counters.count("outputBytes", lines.length);
      const written = writeTo(sink, lines, signal);
      if (written !== undefined) await written;
      progress.tick();
      if (pacer.due) await pacer.rest();
    }
  } catch (error) {
    throw error instanceof UnfitValueError ? new ProgramError(program, `fails: ${error.message}`) : error;
  }
  counters.count("outputRecords", aggregate === undefined ? counts.records : counts.groups);
  return counts;
}
