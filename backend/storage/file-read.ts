import { closeSync, constants, fstatSync, open, read, type BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import { formatAddress, type FileAddress } from "../../shared/address.ts";
import { hasCode, naming } from "./file-failure.ts";
import type { FileRoots } from "./file-roots.ts";
import { pulled, readAhead, whole, type ByteSource } from "./pulled.ts";
import { systemPath } from "./system-path.ts";
import { StorageError, type ByteRange, type ByteStream, type OpenFile } from "./store.ts";

const chunkSize = 256 * 1024;

/** A range up to this long is read at once, and the file closed again. */
const smallRange = 64 * 1024;

/** Changes with the content: time of the last change in nanoseconds, size, and inode. */
export const fileEtag = ({ mtimeNs, size, ino }: BigIntStats): string => `${mtimeNs}-${size}-${ino}`;

/** @returns undefined where there is no regular file */
export const fileStats = async (real: string): Promise<BigIntStats | undefined> => {
  try {
    const stats = await stat(systemPath(real), { bigint: true });
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
};

type ReadOptions = {
  readonly range: ByteRange | undefined;
  readonly etag: string | undefined;
  readonly reusesMemory: boolean;
  readonly signal: AbortSignal | undefined;
};

/** The bytes of a file, as `Store.read` promises them. @param real the real path of `at` */
export const readFileAt = async (
  roots: FileRoots,
  at: FileAddress,
  real: string,
  options: ReadOptions,
): Promise<ByteStream> => {
  const { etag, signal } = options;
  const file = await openAt(roots, at, real, etag);
  try {
    const size = Number(fstatSync(file, { bigint: true }).size);
    const { start, end } = options.range ?? { start: 0, end: size };
    if (start < 0 || end < start || end > size) {
      const message = `${formatAddress(at)}: there are no bytes ${start} to ${end} in a file of ${size} (InvalidRange)`;
      throw new StorageError("InvalidRange", message);
    }
    const bytes = new FileBytes(at, file, { start, end }, options);
    return end - start > smallRange ? pulled(bytes, signal) : whole(await allOf(bytes));
  } catch (error) {
    closeSync(file);
    throw error;
  }
};

/** All bytes of a small range. */
const allOf = async (source: FileBytes): Promise<Buffer> => {
  let all: Buffer | undefined;
  for (let next = await source.next(); next !== undefined; next = await source.next()) {
    // Nearly always there is one piece.
    all = all === undefined ? next : Buffer.concat([all, next]);
  }
  await source.close();
  return all ?? Buffer.alloc(0);
};

/** A file as `Store.open` promises it. @param real the real path of `at` */
export const openFileAt = async (roots: FileRoots, at: FileAddress, real: string, etag: string): Promise<OpenFile> => {
  const descriptor = await openAt(roots, at, real, etag);
  return { descriptor, check: () => checkUnchanged(at, descriptor, etag), close: () => closeSync(descriptor) };
};

const openAt = async (roots: FileRoots, at: FileAddress, real: string, etag: string | undefined): Promise<number> => {
  const file = await openRegular(real);
  if (file === undefined) {
    throw new StorageError("NoSuchKey", `${formatAddress(at)}: there is no such file (NoSuchKey)`);
  }
  try {
    roots.check(at.path, file);
    checkUnchanged(at, file, etag);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return file;
};

/** A file, unlike an object, may change under its reader. */
const checkUnchanged = (at: FileAddress, file: number, etag: string | undefined): void => {
  if (etag === undefined || fileEtag(fstatSync(file, { bigint: true })) === etag) return;
  const message = `${formatAddress(at)}: the file has changed while the job was reading it (ObjectChanged)`;
  throw new StorageError("ObjectChanged", message);
};

const opening = promisify(open);
const reading = promisify(read);

/**
 * Opens a file to be read: a descriptor, as these cost a fraction of Node's file handles where files are small. Only what may
 * take its time on a network is left to another thread.
 * @returns undefined where there is no regular file
 */
const openRegular = async (real: string): Promise<number | undefined> => {
  let file: number;
  try {
    // Opening a named pipe would wait for a writer otherwise. Of a real path only one that leads nowhere,
    // or has come just now, is a link.
    file = await opening(systemPath(real), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    // ELOOP: a link. ENXIO: a socket, or a device without a driver.
    if (hasCode(error, "ENOENT", "ENOTDIR", "ELOOP", "ENXIO")) return undefined;
    throw error;
  }
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  return undefined;
};

/**
 * Memory for chunks. Reused ones take turns in a few buffers: those that the stream has fetched ahead, the one in use, and
 * some for what the stream does ahead of being asked. Memory that is still in the processor's cache is read to four times as
 * fast, and there is nothing to collect.
 */
class Buffers {
  readonly #reusesMemory: boolean;
  readonly #all: Buffer[] = [];
  #taken = 0;

  constructor(reusesMemory: boolean) {
    this.#reusesMemory = reusesMemory;
  }

  /** @param length bytes, at most `chunkSize` */
  take(length: number): Buffer {
    if (!this.#reusesMemory || length < chunkSize) return Buffer.allocUnsafe(length);
    const index = this.#taken++ % (readAhead + 4);
    return (this.#all[index] ??= Buffer.allocUnsafeSlow(chunkSize));
  }
}

class FileBytes implements ByteSource {
  readonly #at: FileAddress;
  readonly #file: number;
  readonly #end: number;
  readonly #etag: string | undefined;
  readonly #buffers: Buffers;
  #position: number;
  #underWay: Promise<unknown> | undefined;

  constructor(at: FileAddress, file: number, { start, end }: ByteRange, { etag, reusesMemory }: ReadOptions) {
    this.#at = at;
    this.#file = file;
    this.#position = start;
    this.#end = end;
    this.#etag = etag;
    this.#buffers = new Buffers(reusesMemory);
  }

  next(): Promise<Buffer | undefined> {
    const bytes = this.#next();
    this.#underWay = bytes.catch(() => undefined);
    return bytes;
  }

  #next(): Promise<Buffer | undefined> {
    return naming(this.#at, async () => {
      const length = Math.min(chunkSize, this.#end - this.#position);
      if (length === 0) {
        checkUnchanged(this.#at, this.#file, this.#etag);
        return undefined;
      }
      const { bytesRead, buffer } = await reading(this.#file, this.#buffers.take(length), 0, length, this.#position);
      if (bytesRead === 0) {
        const message = `${formatAddress(this.#at)}: the file was cut off at byte ${this.#position} (TruncatedBody)`;
        throw new StorageError("TruncatedBody", message);
      }
      this.#position += bytesRead;
      return buffer.subarray(0, bytesRead);
    });
  }

  async close(): Promise<void> {
    // Until a read has ended the descriptor must not become another file's.
    await this.#underWay;
    closeSync(this.#file);
  }
}
