import { closeSync, openSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { formatAddress, parseAddress } from "../../../shared/address.ts";
import type { MapOutput, SegmentRef } from "../../../shared/protocol/tasks.ts";
import { StorageError } from "../../storage/store.ts";
import type { SegmentSource } from "../shuffle/fetch-segments.ts";
import { writeAll } from "../shuffle/run-files.ts";
import type { SegmentIndex } from "../shuffle/segment.ts";
import type { Sink } from "../sink.ts";
import { type Shuffle, shuffleName } from "./shuffle.ts";
import type { Task } from "./task-run.ts";

/** The shuffle in a directory that all runners of the job share, one file per map. Reduces merge the files in place. */
export class LocalShuffle implements Shuffle {
  /** Copying within a machine is faster. */
  readonly compressing = false;
  readonly folder = undefined;
  readonly #jobId: string;
  readonly #folder: string;

  /** @param root an absolute path; the job's files lie in a subfolder of their own */
  constructor(root: string, jobId: string) {
    this.#jobId = jobId;
    this.#folder = join(root, jobId);
  }

  async write({ attempt }: Task<"map">, produce: (sink: Sink) => Promise<SegmentIndex>): Promise<MapOutput> {
    await mkdir(this.#folder, { recursive: true });
    const path = join(this.#folder, shuffleName(this.#jobId, attempt));
    const file = openSync(path, "w");
    try {
      const { lengths, largestBlock } = await produce({
        write(bytes) {
          writeAll(file, bytes);
          return undefined;
        },
      });
      return { path: formatAddress({ scheme: "file", path }), lengths: [...lengths], largestBlock };
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
  }

  sources(_partition: number, refs: readonly SegmentRef[]): SegmentSource[] {
    return refs.map((ref) => this.#source(ref));
  }

  #source({ map, path: url, offset, length, largestBlock }: SegmentRef): SegmentSource {
    const address = parseAddress(url, false);
    if (address.scheme === "file" && dirname(address.path) === this.#folder) {
      // They are not compressed, so no block is larger than its segment.
      return { map, length, largestBlock: Math.min(largestBlock, length), at: { path: address.path, offset } };
    }
    // A runner with a different configuration wrote this segment, so a runner with this configuration must write it again.
    const open = (): Promise<never> =>
      Promise.reject(new StorageError("NoSuchKey", `${url} is not in this runner's shuffle directory`));
    return { map, length, largestBlock, at: { open } };
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
