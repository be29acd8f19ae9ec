import { formatAddress, joinAddress, parseAddress, type Address } from "../../../shared/address.ts";
import type { MapOutput, SegmentRef } from "../../../shared/protocol/tasks.ts";
import { shuffleFolders } from "../../../shared/outputs.ts";
import { inParallel } from "../../parallel.ts";
import type { SegmentSource } from "../shuffle/fetch-segments.ts";
import type { SegmentIndex } from "../shuffle/segment.ts";
import type { ByteStream } from "../../storage/store.ts";
import type { Sink } from "../sink.ts";
import { writeObjectFrom } from "./output.ts";
import { removeFolder } from "./remove-folder.ts";
import type { SegmentsAhead } from "./segments-ahead.ts";
import { type Shuffle, shuffleName } from "./shuffle.ts";
import type { Task, TaskRun } from "./task-run.ts";

/** The shuffle in the store of the job's output, one object per map. Runners share nothing, and map outputs outlive them. */
export class StoreShuffle implements Shuffle {
  /** Zstandard at level 1 compresses 400 MB/s or more per core; few stores give a runner as much. */
  readonly compressing = true;
  readonly #folders: readonly [Address, ...Address[]];
  readonly #run: Omit<TaskRun, "shuffle">;
  readonly #ahead: SegmentsAhead;

  constructor(run: Omit<TaskRun, "shuffle">, ahead: SegmentsAhead) {
    this.#run = run;
    this.#ahead = ahead;
    const { jobId, output, useSSL } = run.job;
    this.#folders = shuffleFolders(output.path, useSSL, jobId);
  }

  get folder(): Address {
    return this.#folders[0];
  }

  async write({ index, attempt }: Task<"map">, produce: (sink: Sink) => Promise<SegmentIndex>): Promise<MapOutput> {
    const object = joinAddress(this.#folderOf(index), shuffleName(this.#run.job.jobId, attempt));
    const { lengths, largestBlock } = await writeObjectFrom(attempt, object, this.#run, produce);
    return { path: formatAddress(object), lengths: [...lengths], largestBlock };
  }

  sources(partition: number, refs: readonly SegmentRef[], ahead: number): SegmentSource[] {
    const aheadOf = this.#ahead.begin(partition, refs, ahead);
    return refs.map((ref) => {
      const { map, length, largestBlock } = ref;
      return { map, length, largestBlock, at: this.#ahead.find(ref) ?? { open: () => this.#open(ref, aheadOf(ref)) } };
    });
  }

  async #open(ref: SegmentRef, ahead: number): Promise<ByteStream> {
    const object = parseAddress(ref.path, this.#run.job.useSSL);
    const range = { start: ref.offset, end: ref.offset + ref.length + ahead };
    const stream = await this.#run.output.read(object, range, undefined, true);
    return ahead === 0 ? stream : this.#ahead.split(stream, ref, ahead);
  }

  async remove(): Promise<void> {
    await inParallel(this.#folders, async (folder) => {
      await this.#run.output.abortUploads(folder);
      await removeFolder(this.#run.output, folder);
    });
  }

  #folderOf(map: number): Address {
    return this.#folders[map % this.#folders.length] ?? this.folder;
  }
}
