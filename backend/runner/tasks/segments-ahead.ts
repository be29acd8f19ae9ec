import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { SegmentRef } from "../../../shared/protocol/tasks.ts";
import type { ByteStream } from "../../storage/store.ts";

/** Most bytes of one request: larger ones are hardly cheaper by the byte. */
const mostOfRequest = 1024 * 1024;

/** Most bytes on this disk. */
const mostTogether = 2 * 1024 * 1024 * 1024;

/** The bytes `[start, end)` of a map's output, which lie in the local file from `at` on. */
type Stretch = { readonly start: number; readonly end: number; readonly at: number };

/** A local file that is being written. */
type LocalFile = { readonly folder: string; readonly path: string; readonly descriptor: number; length: number };

/**
 * Segments of the partitions that this runner reduces next, in a local file. They lie right behind the segments of the reduce
 * before, in each map's output, and are read along with those.
 */
export class SegmentsAhead {
  readonly #root: string;
  #file: LocalFile | undefined;
  /** By the address of the map's output, of which one stretch is here at most. */
  readonly #stretches = new Map<string, Stretch>();
  #last = -1;

  /** @param root an existing folder, removed by whoever made it */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Begins with a partition, and removes what was read ahead for others.
   * @param partitions how many partitions the segments' `ahead` is of
   * @returns how many bytes to read ahead behind each segment. If they are not those of all partitions, the last one that they are
   * of can be incomplete, and is then read again.
   */
  begin(partition: number, refs: readonly SegmentRef[], partitions: number): (ref: SegmentRef) => number {
    if (partition !== this.#last + 1) this.clear();
    this.#last = partition;
    const missing = refs.filter((ref) => this.find(ref) === undefined);
    const bytes = missing.reduce((sum, { ahead = 0 }) => sum + ahead, 0);
    const room = mostTogether - (this.#file?.length ?? 0);
    const most = Math.floor(partitions * Math.min(1, room / Math.max(1, bytes)));
    return ({ length, ahead = 0 }) => {
      const each = ahead / partitions;
      const count = Math.min(most, Math.floor((mostOfRequest - length) / Math.max(1, each)));
      if (count >= partitions) return ahead;
      return count > 0 ? Math.ceil(count * each) : 0;
    };
  }

  /** Where a segment is on this disk; undefined if it is not. */
  find({ path, offset, length }: SegmentRef): { readonly path: string; readonly offset: number } | undefined {
    const stretch = this.#stretches.get(path);
    if (stretch === undefined || this.#file === undefined) return undefined;
    if (offset < stretch.start || offset + length > stretch.end) return undefined;
    return { path: this.#file.path, offset: stretch.at + offset - stretch.start };
  }

  /**
   * Splits a stream that has a segment and what is to be read ahead behind it.
   * @returns the segment; what is behind it is kept once it has been read to its end
   */
  split(stream: ByteStream, { path, offset, length }: SegmentRef, ahead: number): ByteStream {
    return {
      [Symbol.asyncIterator]: () => this.#split(stream, path, offset + length, length, ahead),
      destroy: () => stream.destroy(),
    };
  }

  /** Removes everything. */
  clear(): void {
    this.#stretches.clear();
    if (this.#file === undefined) return;
    closeSync(this.#file.descriptor);
    rmSync(this.#file.folder, { recursive: true, force: true });
    this.#file = undefined;
  }

  async *#split(
    stream: ByteStream,
    path: string,
    start: number,
    length: number,
    ahead: number,
  ): AsyncGenerator<Buffer, void, void> {
    const kept: Buffer[] = [];
    let left = length;
    let keptBytes = 0;
    for await (const chunk of stream) {
      const own = chunk.subarray(0, left);
      left -= own.length;
      if (own.length > 0) yield own;
      if (own.length < chunk.length) {
        kept.push(Buffer.from(chunk.subarray(own.length)));
        keptBytes += chunk.length - own.length;
      }
    }
    if (keptBytes === ahead) this.#keep(path, start, Buffer.concat(kept));
  }

  #keep(path: string, start: number, bytes: Buffer): void {
    try {
      const file = (this.#file ??= this.#create());
      const at = file.length;
      for (let done = 0; done < bytes.length;) done += writeSync(file.descriptor, bytes, done, undefined, at + done);
      file.length += bytes.length;
      this.#stretches.set(path, { start, end: start + bytes.length, at });
    } catch {
      // Such as for a full disk. They are read again when they are needed.
    }
  }

  #create(): LocalFile {
    const folder = mkdtempSync(join(this.#root, "ahead-"));
    const path = join(folder, "segments");
    return { folder, path, descriptor: openSync(path, "wx"), length: 0 };
  }
}
