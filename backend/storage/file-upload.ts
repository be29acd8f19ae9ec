import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import path from "node:path";
import type { FileAddress } from "../../shared/address.ts";
import { hasCode, named, naming } from "./file-failure.ts";
import { creatingIn, tidy, uploadsFolder } from "./file-folders.ts";
import type { FileRoots } from "./file-roots.ts";
import { partSize, StorageError, type OpenUpload, type UploadOutcome } from "./store.ts";

/*
 * An upload is one file in a hidden folder next to its target. It is written at once, or in parts at their offsets, and completion
 * renames the file. The upload's id contains the file's inode, which survives the rename, so a repeated completion can tell whether the
 * target is the file of this upload.
 */

/** The real path of the uploads folder, which somebody could have replaced by a link. @throws StorageError `OutsideRoots` */
const uploadsBeside = (roots: FileRoots, target: string): string =>
  roots.real(path.join(path.dirname(target), uploadsFolder));

type Upload = { readonly data: string; readonly inode: bigint };

/** @returns undefined for a malformed id */
const uploadOf = (roots: FileRoots, target: string, uploadId: string): Upload | undefined => {
  const [, name, inode] = /^([0-9a-f-]{36})\.(\d+)$/.exec(uploadId) ?? [];
  if (name === undefined || inode === undefined) return undefined;
  return { data: path.join(uploadsBeside(roots, target), name), inode: BigInt(inode) };
};

/** Writes a whole file atomically: no reader ever sees part of it. @param target a real path */
export const putFile = async (roots: FileRoots, target: string, bytes: Uint8Array): Promise<void> => {
  const uploads = uploadsBeside(roots, target);
  const data = path.join(uploads, randomUUID());
  try {
    const handle = await creatingIn(uploads, () => open(data, "wx"));
    try {
      await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
    await rename(data, target);
  } catch (error) {
    await rm(data, { force: true });
    throw error;
  } finally {
    await tidy(roots, uploads);
  }
};

/** Creates an upload. @returns its id */
export const createFileUpload = async (roots: FileRoots, target: string): Promise<string> => {
  const uploads = uploadsBeside(roots, target);
  const name = randomUUID();
  const handle = await creatingIn(uploads, () => open(path.join(uploads, name), "wx"));
  try {
    return `${name}.${(await handle.stat({ bigint: true })).ino}`;
  } finally {
    await handle.close();
  }
};

/** Writes a part at its offset. @returns its tag, made of its number and size */
export const uploadFilePart = async (
  roots: FileRoots,
  target: string,
  uploadId: string,
  number: number,
  bytes: Uint8Array,
): Promise<string> => {
  if (bytes.length > partSize) throw new RangeError(`a part has ${bytes.length} bytes, more than ${partSize}`);
  const handle = await openData(roots, target, uploadId);
  try {
    const position = (number - 1) * partSize;
    for (let done = 0; done < bytes.length;) {
      done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
    }
    // The part must be on disk before completion anyway. Flushing it while the next parts are produced costs no time.
    await handle.datasync();
  } finally {
    await handle.close();
  }
  return tagOf(number, bytes.length);
};

/** @throws StorageError `NoSuchUpload` */
const openData = async (roots: FileRoots, target: string, uploadId: string): Promise<FileHandle> => {
  const upload = uploadOf(roots, target, uploadId);
  if (upload === undefined) throw noSuchUpload(target);
  try {
    return await open(upload.data, "r+");
  } catch (error) {
    throw hasCode(error, "ENOENT", "ENOTDIR") ? noSuchUpload(target) : error;
  }
};

/** Opens an upload to write all of it. Its bytes pass from the caller's memory to the system's, and lie nowhere in between. */
export const openFileUpload = async (
  roots: FileRoots,
  at: FileAddress,
  target: string,
  uploadId: string,
  signal: AbortSignal | undefined,
): Promise<OpenUpload> => {
  const handle = await openData(roots, target, uploadId);
  let size = 0;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= handle.close());
  return {
    write: (bytes) => {
      signal?.throwIfAborted();
      try {
        for (let done = 0; done < bytes.length;) {
          const written = writeSync(handle.fd, bytes, done, bytes.length - done, size);
          done += written;
          size += written;
        }
      } catch (error) {
        throw named(at, error);
      }
    },
    finish: async () => {
      // Not now and then: the system writes while it is idle, and a program that waits for it loses more than it gains.
      await naming(at, () => handle.datasync());
      await close();
      return [tagOf(1, size)];
    },
    close: () => void close().catch(() => undefined),
  };
};

const tagOf = (number: number, size: number): string => `${number}-${size}`;

const noSuchUpload = (target: string): StorageError =>
  new StorageError(
    "NoSuchUpload",
    `file://${target}: there is no such upload, it was completed or aborted (NoSuchUpload)`,
  );

/** The size of the file that the parts make up. */
const sizeOf = (target: string, tags: readonly string[]): bigint => {
  let size = 0n;
  for (const [index, tag] of tags.entries()) {
    const [, number, length] = /^(\d+)-(\d+)$/.exec(tag) ?? [];
    const isLast = index === tags.length - 1;
    if (Number(number) !== index + 1 || (!isLast && Number(length) !== partSize)) throw invalidPart(target);
    size += BigInt(length ?? 0);
  }
  if (tags.length === 0) throw invalidPart(target);
  return size;
};

const invalidPart = (target: string): StorageError =>
  new StorageError("InvalidPart", `file://${target}: the parts to complete are not those uploaded (InvalidPart)`);

/** Renames the upload's file to the target. Idempotent: detects an earlier completion. */
export const completeFileUpload = async (
  roots: FileRoots,
  target: string,
  uploadId: string,
  tags: readonly string[],
): Promise<UploadOutcome> => {
  const size = sizeOf(target, tags);
  const upload = uploadOf(roots, target, uploadId);
  if (upload === undefined) return "lost";
  try {
    await flush(target, upload.data, size);
    await rename(upload.data, target);
  } catch (error) {
    if (!hasCode(error, "ENOENT", "ENOTDIR")) throw error;
    return (await isMadeOf(target, upload.inode, size)) ? "completed" : "lost";
  }
  await tidy(roots, uploadsBeside(roots, target));
  return "completed";
};

/** Flushes the data to disk, so that a crash of the machine cannot leave a visible file without it. */
const flush = async (target: string, data: string, size: bigint): Promise<void> => {
  const handle = await open(data, "r+");
  try {
    if ((await handle.stat({ bigint: true })).size !== size) throw invalidPart(target);
    await handle.datasync();
  } finally {
    await handle.close();
  }
};

const isMadeOf = async (target: string, inode: bigint, size: bigint): Promise<boolean> => {
  try {
    const found = await stat(target, { bigint: true });
    return found.ino === inode && found.size === size;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
};

/** Removes the upload's file. */
export const abortFileUpload = async (roots: FileRoots, target: string, uploadId: string): Promise<void> => {
  const upload = uploadOf(roots, target, uploadId);
  if (upload === undefined) return;
  await rm(upload.data, { force: true });
  await tidy(roots, uploadsBeside(roots, target));
};
