import type { AttemptContext } from "./attempt-context.ts";
import { runExecutable } from "./programs/executable.ts";
import { foldGroups } from "./programs/module-loops.ts";
import { ModuleProgram } from "./programs/module-program.ts";
import type { Program } from "./programs/program.ts";
import { RawOutput } from "./programs/raw-output.ts";
import { TextOutput } from "./programs/text-output.ts";
import type { Sink } from "./sink.ts";
import type { BlockSource } from "./shuffle/blocks.ts";
import type { SegmentSource } from "./shuffle/fetch-segments.ts";
import { openSegments } from "./shuffle/open-segments.ts";
import { textBatches } from "./shuffle/text-batches.ts";

/** A reduce task. */
type ReduceSegments = {
  readonly reducer: Program;
  /** One segment of each map output, in any order. */
  readonly segments: readonly SegmentSource[];
  readonly context: AttemptContext;
  readonly sink: Sink;
};

/**
 * Fetches and merges the segments of a partition and runs the reducer over them. Keys come in byte order; the values of a key
 * come in the order of map tasks and, within a task, in the order of emission. An executable's output is passed on unchanged.
 * A module's records become lines `key TAB value`, or just the key if the value is empty. The output is empty or ends with a
 * newline.
 * @throws ShuffleLostError if a segment is gone or damaged, which for a segment on this machine shows only when its turn comes;
 * StorageError if a segment is temporarily unreadable; ProgramError if the reducer fails; the signal's reason when aborted; what
 * `sink` throws
 */
export async function reduceSegments({ reducer, segments, context, sink }: ReduceSegments): Promise<void> {
  const open = await openSegments(segments, context);
  try {
    const counts = await runReducer(reducer, open.sorted, context, sink);
    context.counters.count("reduceInputRecords", counts.records);
    context.counters.count("reduceInputGroups", counts.groups);
  } finally {
    open.close();
  }
}

async function runReducer(
  reducer: Program,
  sorted: BlockSource,
  context: AttemptContext,
  sink: Sink,
): Promise<{ readonly records: number; readonly groups: number }> {
  if (reducer.type === "module") {
    const module = await ModuleProgram.load(reducer, "reduce", context);
    const output = new TextOutput(context, sink);
    const groups = await foldGroups(module, sorted, output, context);
    await output.end();
    return groups;
  }
  const counts = { records: 0, groups: 0 };
  const output = new RawOutput(sink, context.signal);
  const input = textBatches(sorted, context.sortBuffer, counts);
  await runExecutable({ program: reducer, context, input, output: (chunk) => output.write(chunk) });
  await output.end(context.counters);
  return counts;
}
