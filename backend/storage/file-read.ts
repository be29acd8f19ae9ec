import type { BigIntStats } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import type { Readable } from "node:stream";
import { formatAddress, type FileAddress } from "../../shared/address.ts";
import { hasCode, naming } from "./file-failure.ts";
import { pulled, readAhead, type ByteSource } from "./pulled.ts";
import { StorageError, type ByteRange } from "./store.ts";

const chunkSize = 256 * 1024;

/** Changes with the content: time of the last change in nanoseconds, size, and inode. */
export const fileEtag = ({ mtimeNs, size, ino }: BigIntStats): string => `${mtimeNs}-${size}-${ino}`;

/** @returns undefined where there is no regular file */
export const fileStats = async (real: string): Promise<BigIntStats | undefined> => {
  try {
    const stats = await stat(real, { bigint: true });
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
};

type ReadOptions = {
  readonly range: ByteRange | undefined;
  readonly etag: string | undefined;
  readonly isTransient: boolean;
  readonly signal: AbortSignal | undefined;
};

/** The bytes of a file, as `Store.read` promises them. @param real the real path of `at` */
export const readFileAt = async (at: FileAddress, real: string, options: ReadOptions): Promise<Readable> => {
  const { etag, signal } = options;
  // asked before opening, which would wait for a writer where the path is a named pipe
  if ((await fileStats(real)) === undefined) {
    throw new StorageError("NoSuchKey", `${formatAddress(at)}: there is no such file (NoSuchKey)`);
  }
  const handle = await open(real);
  try {
    const stats = await handle.stat({ bigint: true });
    if (etag !== undefined && fileEtag(stats) !== etag) throw changed(at);
    const size = Number(stats.size);
    const { start, end } = options.range ?? { start: 0, end: size };
    if (start < 0 || end < start || end > size) {
      const message = `${formatAddress(at)}: there are no bytes ${start} to ${end} in a file of ${size} (InvalidRange)`;
      throw new StorageError("InvalidRange", message);
    }
    return pulled(new FileBytes(at, handle, { start, end }, options), signal);
  } catch (error) {
    await handle.close();
    throw error;
  }
};

const changed = (at: FileAddress): StorageError =>
  new StorageError(
    "ObjectChanged",
    `${formatAddress(at)}: the file has changed while the job was reading it (ObjectChanged)`,
  );

/**
 * Memory for chunks. Transient ones take turns in a few buffers: those that the stream has fetched ahead, the one in use, and
 * some for what the stream does ahead of being asked. Memory that is still in the processor's cache is read to four times as
 * fast, and there is nothing to collect.
 */
class Buffers {
  readonly #isTransient: boolean;
  readonly #all: Buffer[] = [];
  #taken = 0;

  constructor(isTransient: boolean) {
    this.#isTransient = isTransient;
  }

  /** @param length bytes, at most `chunkSize` */
  take(length: number): Buffer {
    if (!this.#isTransient || length < chunkSize) return Buffer.allocUnsafe(length);
    const index = this.#taken++ % (readAhead + 4);
    return (this.#all[index] ??= Buffer.allocUnsafeSlow(chunkSize));
  }
}

class FileBytes implements ByteSource {
  readonly #at: FileAddress;
  readonly #handle: FileHandle;
  readonly #end: number;
  readonly #etag: string | undefined;
  readonly #buffers: Buffers;
  #position: number;

  constructor(at: FileAddress, handle: FileHandle, { start, end }: ByteRange, { etag, isTransient }: ReadOptions) {
    this.#at = at;
    this.#handle = handle;
    this.#position = start;
    this.#end = end;
    this.#etag = etag;
    this.#buffers = new Buffers(isTransient);
  }

  next(): Promise<Uint8Array | undefined> {
    return naming(this.#at, async () => {
      const length = Math.min(chunkSize, this.#end - this.#position);
      if (length === 0) {
        // a file, unlike an object, may change under its reader
        const stats = this.#etag === undefined ? undefined : await this.#handle.stat({ bigint: true });
        if (stats !== undefined && fileEtag(stats) !== this.#etag) throw changed(this.#at);
        return undefined;
      }
      const { bytesRead, buffer } = await this.#handle.read(this.#buffers.take(length), 0, length, this.#position);
      if (bytesRead === 0) {
        const message = `${formatAddress(this.#at)}: the file was cut off at byte ${this.#position} (TruncatedBody)`;
        throw new StorageError("TruncatedBody", message);
      }
      this.#position += bytesRead;
      return buffer.subarray(0, bytesRead);
    });
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
