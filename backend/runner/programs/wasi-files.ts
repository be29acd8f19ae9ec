import { fstatSync, lstatSync, readSync } from "node:fs";
import type { ProgramMemory } from "./program-memory.ts";
import { errnoOf, infoOf, longestPath, refuse, type FileInfo, type ReadableFiles } from "./readable-files.ts";
import { buffersAt, errno, fileTypes, putLong, putNumber, putStatus, type Call, type Calls } from "./wasi-abi.ts";

/** Bytes of the structures. */
const infoBytes = 64;
const entryBytes = 24;

/** Maximum bytes that one call reads. A program asks again for the rest. */
const longestRead = 1024 * 1024;

/** Flags: of how a path is looked up and how a file is opened; a right; where a position counts from. */
const followsLinks = 1;
const createsFile = 1;
const isDirectory = 2;
const truncates = 8;
const mayWrite = 64;
const fromStart = 0;
const fromCurrent = 1;
const fromEnd = 2;

/** Functions that change files. */
const changing = [
  "fd_allocate",
  "fd_filestat_set_size",
  "fd_filestat_set_times",
  "fd_pwrite",
  "fd_write",
  "path_create_directory",
  "path_filestat_set_times",
  "path_link",
  "path_remove_directory",
  "path_rename",
  "path_symlink",
  "path_unlink_file",
];

/** The functions for files, which a program finds in the directory `/` and can only read. */
export const fileCalls = (memory: ProgramMemory, files: ReadableFiles): Calls => {
  const pathAt = (address: number, length: number): string =>
    length >>> 0 > longestPath ? refuse(errno.nametoolong) : memory.bytes(address, length).toString();
  const putInfo = (address: number, { type, inode, size }: FileInfo): number => {
    const info = memory.bytes(address, infoBytes).fill(0);
    info.writeBigUInt64LE(BigInt(inode), 8);
    info[16] = type;
    info.writeBigUInt64LE(1n, 24);
    info.writeBigUInt64LE(BigInt(size), 32);
    return errno.success;
  };
  /** Fills the buffers as far as the file goes. @returns bytes read */
  const readFrom = (handle: number, position: number, vectors: number, count: number): number => {
    let read = 0;
    for (const { address, length } of buffersAt(memory, vectors, count)) {
      const target = memory.bytes(address, length);
      const wanted = Math.min(length, longestRead - read);
      const found = readSync(handle, target, 0, wanted, position + read);
      read += found;
      if (found < length) break;
    }
    return read;
  };
  const calls: Record<string, (...parameters: number[]) => number> = {
    fd_prestat_get: (descriptor, address) => {
      if (!files.isGiven(descriptor)) return errno.badf;
      // A directory, and the length of its name.
      putNumber(memory, address, 0);
      putNumber(memory, address + 4, 1);
      return errno.success;
    },
    fd_prestat_dir_name: (descriptor, address, length) => {
      if (!files.isGiven(descriptor)) return errno.badf;
      if (length < 1) return errno.nametoolong;
      memory.bytes(address, 1).write("/");
      return errno.success;
    },
    fd_close: (descriptor) => {
      files.close(descriptor);
      return errno.success;
    },
    fd_fdstat_get: (descriptor, address) => {
      const { kind } = files.at(descriptor);
      putStatus(memory, address, kind === "file" ? fileTypes.regularFile : fileTypes.directory);
      return errno.success;
    },
    fd_fdstat_set_flags: (descriptor) => {
      files.at(descriptor);
      return errno.success;
    },
    fd_filestat_get: (descriptor, address) => {
      const open = files.at(descriptor);
      return putInfo(address, infoOf(open.kind === "file" ? fstatSync(open.handle) : lstatSync(open.path)));
    },
    fd_read: (descriptor, vectors, count, address) => {
      const file = files.file(descriptor);
      const read = readFrom(file.handle, file.position, vectors, count);
      file.position += read;
      putNumber(memory, address, read);
      return errno.success;
    },
    fd_pread: (descriptor, vectors, count, offset, address) => {
      if (!Number.isSafeInteger(offset) || offset < 0) return errno.inval;
      putNumber(memory, address, readFrom(files.file(descriptor).handle, offset, vectors, count));
      return errno.success;
    },
    fd_seek: (descriptor, offset, whence, address) => {
      const file = files.file(descriptor);
      const bases: Readonly<Record<number, number>> = {
        [fromStart]: 0,
        [fromCurrent]: file.position,
        [fromEnd]: fstatSync(file.handle).size,
      };
      const position = (bases[whence] ?? Number.NaN) + offset;
      if (!Number.isSafeInteger(position) || position < 0) return errno.inval;
      file.position = position;
      putLong(memory, address, position);
      return errno.success;
    },
    fd_tell: (descriptor, address) => {
      putLong(memory, address, files.file(descriptor).position);
      return errno.success;
    },
    fd_readdir: (descriptor, address, room, cookie, size) => {
      const directory = files.directory(descriptor);
      if (cookie === 0) files.list(directory);
      const target = memory.bytes(address, room);
      let used = 0;
      for (let next = cookie; next < directory.entries.length && used < target.length;) {
        const { name, type } = directory.entries[next++] ?? refuse(errno.inval);
        const bytes = Buffer.from(name);
        const entry = Buffer.alloc(entryBytes);
        entry.writeBigUInt64LE(BigInt(next));
        entry.writeUInt32LE(bytes.length, 16);
        entry[20] = type;
        // What is cut off by the end of the buffer, the program asks for again.
        used += Buffer.concat([entry, bytes]).copy(target, used);
      }
      putNumber(memory, size, used);
      return errno.success;
    },
    path_filestat_get: (descriptor, flags, path, length, address) =>
      putInfo(address, files.info(descriptor, pathAt(path, length), (flags & followsLinks) !== 0)),
    path_open: (descriptor, _lookup, path, length, how, rights, _inheriting, _flags, address) => {
      if ((how & (createsFile | truncates)) !== 0 || (rights & mayWrite) !== 0) return errno.rofs;
      const name = pathAt(path, length);
      const opened = files.open(descriptor, name);
      if ((how & isDirectory) !== 0 && files.at(opened).kind === "file") {
        files.close(opened);
        return errno.notdir;
      }
      putNumber(memory, address, opened);
      return errno.success;
    },
    // A link's target can be a path of this machine.
    path_readlink: () => errno.inval,
  };
  for (const name of changing) calls[name] = () => errno.rofs;
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, returningErrors(call)]));
};

/** The same for programs that have none. Libraries end a program unless they are told that no directory is given. */
export const noFiles: Calls = {
  fd_prestat_get: () => errno.badf,
  fd_prestat_dir_name: () => errno.badf,
  path_filestat_get: () => errno.noent,
  path_open: () => errno.noent,
};

/** A problem with a file is the program's to deal with. */
const returningErrors =
  (call: (...parameters: number[]) => number): Call =>
  (...parameters) => {
    try {
      return call(...parameters);
    } catch (error) {
      return errnoOf(error);
    }
  };
