import type { Address } from "../../../shared/address.ts";
import type { MapOutput, SegmentRef } from "../../../shared/protocol/tasks.ts";
import type { SegmentSource } from "../shuffle/fetch-segments.ts";
import type { SegmentIndex } from "../shuffle/segment.ts";
import type { Sink } from "../sink.ts";

/** Where the outputs of a job's maps lie until it has ended. */
export interface Shuffle {
  /** Whether compressing them pays: see `SegmentEncoder`. */
  readonly compressing: boolean;
  /** The folder in the store of the job's output; undefined where the shuffle lies elsewhere. */
  readonly folder: Address | undefined;
  /** Stores the output of an attempt, which is there when this resolves. What fails leaves nothing that nobody knows of. */
  write(attempt: string, produce: (sink: Sink) => Promise<SegmentIndex>): Promise<MapOutput>;
  /** A segment, to be read. */
  source(segment: SegmentRef): SegmentSource;
  /** Removes all. */
  remove(): Promise<void>;
}

/** The name of an attempt's output: the attempt without the job. So a late attempt never overwrites what a reduce may be reading. */
export const shuffleName = (jobId: string, attempt: string): string => attempt.slice(jobId.length + 1);
