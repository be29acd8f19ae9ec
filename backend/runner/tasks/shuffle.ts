import type { Address } from "../../../shared/address.ts";
import type { MapOutput, SegmentRef } from "../../../shared/protocol/tasks.ts";
import type { SegmentSource } from "../shuffle/fetch-segments.ts";
import type { SegmentIndex } from "../shuffle/segment.ts";
import type { Sink } from "../sink.ts";
import type { Task } from "./task-run.ts";

/** Where a job's map outputs are kept until the job has ended. */
export interface Shuffle {
  /** Whether compressing map outputs pays off; see `SegmentEncoder`. */
  readonly compressing: boolean;
  /** The first of its folders in the store of the job's output; undefined if the shuffle is elsewhere. */
  readonly folder: Address | undefined;
  /** Stores the output of an attempt, which exists once this resolves. A failure leaves nothing untracked behind. */
  write(task: Task<"map">, produce: (sink: Sink) => Promise<SegmentIndex>): Promise<MapOutput>;
  /** Returns where to read the segments of a partition from. @param ahead how many partitions their `ahead` is of */
  sources(partition: number, segments: readonly SegmentRef[], ahead: number): SegmentSource[];
  /** Removes all map outputs of the job. */
  remove(): Promise<void>;
}

/** The name of an attempt's output: the attempt without the job. A late attempt never overwrites what a reduce can be reading. */
export const shuffleName = (jobId: string, attempt: string): string => attempt.slice(jobId.length + 1);
