import { closeSync, constants, fstatSync, open, read, type BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import { formatAddress, type FileAddress } from "../../shared/address.ts";
import { hasCode, naming } from "./file-failure.ts";
import type { FileRoots } from "./file-roots.ts";
import { chunksInUse, pulled, whole, type ByteSource } from "./pulled.ts";
import { systemPath } from "./system-path.ts";
import { StorageError, type ByteRange, type ByteStream, type OpenFile } from "./store.ts";

const chunkSize = 256 * 1024;

/** A range of up to this many bytes is read immediately, and the file is closed. */
const smallRange = 64 * 1024;

/** Changes with the content: modification time in nanoseconds, size and inode. */
export const fileEtag = ({ mtimeNs, size, ino }: BigIntStats): string => `${mtimeNs}-${size}-${ino}`;

/** @returns undefined if there is no regular file */
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

/** Reads a file as `Store.read` specifies. @param real the real path of `at` */
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

/** Reads all bytes of a small range. */
const allOf = async (source: FileBytes): Promise<Buffer> => {
  let all: Buffer | undefined;
  for (let next = await source.next(); next !== undefined; next = await source.next()) {
    // There is nearly always just one piece.
    all = all === undefined ? next : Buffer.concat([all, next]);
  }
  await source.close();
  return all ?? Buffer.alloc(0);
};

/** Opens a file as `Store.open` specifies. @param real the real path of `at` */
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

/** Checks that the file has not changed. Unlike an object, a file can change while it is read. */
const checkUnchanged = (at: FileAddress, file: number, etag: string | undefined): void => {
  if (etag === undefined || fileEtag(fstatSync(file, { bigint: true })) === etag) return;
  const message = `${formatAddress(at)}: the file has changed while the job was reading it (ObjectChanged)`;
  throw new StorageError("ObjectChanged", message);
};

const opening = promisify(open);
const reading = promisify(read);

/**
 * Opens a file for reading. Returns a descriptor because, for small files, it costs a fraction of Node's file handles. Only
 * calls that can be slow on a network file system run in another thread.
 * @returns undefined if there is no regular file
 */
const openRegular = async (real: string): Promise<number | undefined> => {
  let file: number;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer. A real path is a link only if the link
    // dangles or has just been created.
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
 * Memory for chunks. If memory is reused, chunks rotate through a few buffers. Reading into memory that is still in the CPU cache
 * is four times as fast, and leaves no garbage to collect.
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
    const index = this.#taken++ % chunksInUse;
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
    // While a read is in progress, the descriptor must not be reused for another file.
    await this.#underWay;
    closeSync(this.#file);
  }
}
