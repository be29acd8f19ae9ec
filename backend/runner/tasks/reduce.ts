import { joinAddress } from "../../../shared/address.ts";
import { outputFolder } from "../../../shared/outputs.ts";
import { fromColumns } from "../../../shared/protocol/segment-columns.ts";
import type { Result, SegmentRef } from "../../../shared/protocol/tasks.ts";
import { partName } from "../../../shared/status.ts";
import type { AttemptContext } from "../attempt-context.ts";
import type { Program } from "../programs/program.ts";
import { reduceToText } from "../programs/reducer.ts";
import type { SegmentSource } from "../shuffle/fetch-segments.ts";
import { openSegments } from "../shuffle/open-segments.ts";
import { ShuffleLostError } from "../shuffle/shuffle-lost.ts";
import type { Sink } from "../sink.ts";
import { writeOutput } from "./output.ts";
import type { Task, TaskRun } from "./task-run.ts";

/** A reduce could not read the output of a map. Identifies the map attempt that stored it. */
export class MapOutputLostError extends Error {
  override name = "MapOutputLostError";
  readonly map: number;
  readonly mapAttempt: string;

  constructor(map: number, mapAttempt: string, cause: Error) {
    super(cause.message, { cause });
    this.map = map;
    this.mapAttempt = mapAttempt;
  }
}

/** Merges the partition's segments from all maps and runs the reducer over them. */
export const runReduce = async (task: Task<"reduce">, run: TaskRun): Promise<Result> => {
  const { job, context } = run;
  const reducer = await run.program("reducer");
  const refs = await segmentRefs(task, run);
  const segments = run.shuffle.sources(task.index, refs, task.ahead ?? 0);
  const part = joinAddress(outputFolder(job.output.path, job.useSSL, job.jobId), partName(false, task.index));
  try {
    return await writeOutput(task.attempt, part, run, (sink) => reduceSegments({ reducer, segments, context, sink }));
  } catch (error) {
    if (!(error instanceof ShuffleLostError)) throw error;
    const lost = refs.find(({ map }) => map === error.map);
    throw lost === undefined ? error : new MapOutputLostError(lost.map, lost.attempt, error);
  }
};

/** Returns where the partition lies in the outputs of all maps, in map order. */
const segmentRefs = async (task: Task<"reduce">, run: TaskRun): Promise<SegmentRef[]> => {
  const refs: SegmentRef[] = [];
  let from: number | null = 0;
  while (from !== null) from = await readRefs(task, run, from, refs);
  return refs;
};

/** Adds a page of them to `refs`, maps from `from` on. @returns the map to go on with; null after the last page */
const readRefs = async (
  { attempt, ahead }: Task<"reduce">,
  run: TaskRun,
  from: number,
  refs: SegmentRef[],
): Promise<number | null> => {
  const request = { kind: "segments", attempt, from, ahead, columns: true } as const;
  const { segments, columns, nextFrom } = await run.ask(request, "segments");
  refs.push(...segments, ...(columns === undefined ? [] : fromColumns(columns, run.job.jobId)));
  return nextFrom;
};

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
 * come in the order of map tasks and, within a task, in the order of emission.
 * @throws ShuffleLostError if a segment is gone or damaged, which for a segment on this machine shows only when its turn comes;
 * StorageError if a segment is temporarily unreadable; ProgramError if the reducer fails; the signal's reason when aborted; what
 * `sink` throws
 */
export const reduceSegments = async ({ reducer, segments, context, sink }: ReduceSegments): Promise<void> => {
  const open = await openSegments(segments, context);
  try {
    const counts = await reduceToText(reducer, open.sorted, context, sink);
    context.counters.count("reduceInputRecords", counts.records);
    context.counters.count("reduceInputGroups", counts.groups);
  } finally {
    open.close();
  }
};
