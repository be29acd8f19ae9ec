import { formatAddress, joinAddress, parseAddress, type Address } from "../../../shared/address.ts";
import type { MapOutput, SegmentRef } from "../../../shared/protocol/tasks.ts";
import { shuffleFolder } from "../../../shared/outputs.ts";
import type { SegmentSource } from "../shuffle/fetch-segments.ts";
import type { SegmentIndex } from "../shuffle/segment.ts";
import type { Sink } from "../sink.ts";
import { writeObjectFrom } from "./output.ts";
import { removeFolder } from "./remove-folder.ts";
import { type Shuffle, shuffleName } from "./shuffle.ts";
import type { TaskRun } from "./task-run.ts";

/** The shuffle in the store of the job's output, one object per map. Runners share nothing, and map outputs outlive them. */
export class StoreShuffle implements Shuffle {
  /** Zstandard at level 1 compresses 400 MB/s or more per core; few stores give a runner as much. */
  readonly compressing = true;
  readonly folder: Address;
  readonly #run: Omit<TaskRun, "shuffle">;

  constructor(run: Omit<TaskRun, "shuffle">) {
    this.#run = run;
    const { jobId, output, useSSL } = run.job;
    this.folder = shuffleFolder(output.path, useSSL, jobId);
  }

  async write(attempt: string, produce: (sink: Sink) => Promise<SegmentIndex>): Promise<MapOutput> {
    const object = joinAddress(this.folder, shuffleName(this.#run.job.jobId, attempt));
    const { lengths, largestBlock } = await writeObjectFrom(attempt, object, this.#run, produce);
    return { path: formatAddress(object), lengths: [...lengths], largestBlock };
  }

  source({ map, path, offset, length, largestBlock }: SegmentRef): SegmentSource {
    const object = parseAddress(path, this.#run.job.useSSL);
    const open = (): ReturnType<TaskRun["output"]["read"]> =>
      this.#run.output.read(object, { start: offset, end: offset + length });
    return { map, length, largestBlock, at: { open } };
  }

  async remove(): Promise<void> {
    await this.#run.output.abortUploads(this.folder);
    await removeFolder(this.#run.output, this.folder);
  }
}
