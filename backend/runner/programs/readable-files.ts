import { closeSync, constants, lstatSync, openSync, readdirSync, realpathSync, statSync, type Stats } from "node:fs";
import { join, posix, sep } from "node:path";
import { hasCode } from "../../storage/file-failure.ts";
import { errno, fileTypes, type FileType } from "./wasi-abi.ts";

/** The longest path that a program can name, in bytes: that of Linux. */
export const longestPath = 4096;

/** Maximum number of descriptors that a program can have open at a time. */
const mostOpen = 64;

/** The descriptor of the directory that a program is given; those below are the standard streams. */
const preopened = 3;

/** A function of WASI cannot do what it is asked. */
class FileProblem extends Error {
  readonly errno: number;

  constructor(number: number) {
    super(`error ${number}`);
    this.errno = number;
  }
}

export type FileInfo = { readonly type: FileType; readonly inode: number; readonly size: number };
type Entry = { readonly name: string; readonly type: FileType };

type OpenDirectory = {
  readonly kind: "directory";
  readonly path: string;
  /** As they were when it was last read from its beginning. */
  entries: readonly Entry[];
};
type OpenFile = { readonly kind: "file"; readonly path: string; readonly handle: number; position: number };

/**
 * A directory of this machine that a program can read and cannot change. It contains links to folders with unpacked archives, which
 * belong to it. Any other link, whoever made it, is followed only to what belongs to the directory, too. Of files, the program
 * reaches regular ones: a pipe would block the runner.
 */
export class ReadableFiles {
  readonly #roots: readonly string[];
  readonly #open = new Map<number, OpenDirectory | OpenFile>();

  /**
   * @param path of the directory, which must exist
   * @param archives the folders with unpacked archives
   */
  constructor(path: string, archives: readonly string[]) {
    const root = realpathSync(path);
    this.#roots = [root, ...archives.map((folder) => realpathSync(folder))];
    this.#open.set(preopened, { kind: "directory", path: root, entries: [] });
  }

  /** Whether a descriptor is the directory that the program is given, by the name `/`. */
  isGiven(descriptor: number): boolean {
    return descriptor === preopened && this.#open.has(descriptor);
  }

  /** @throws FileProblem if it is not open */
  at(descriptor: number): OpenDirectory | OpenFile {
    return this.#open.get(descriptor) ?? refuse(errno.badf);
  }

  /** @throws FileProblem if it is not open, or a directory */
  file(descriptor: number): OpenFile {
    const open = this.at(descriptor);
    return open.kind === "file" ? open : refuse(errno.isdir);
  }

  /** @throws FileProblem if it is not open, or a file */
  directory(descriptor: number): OpenDirectory {
    const open = this.at(descriptor);
    return open.kind === "directory" ? open : refuse(errno.notdir);
  }

  /** @returns its descriptor @throws FileProblem */
  open(descriptor: number, path: string): number {
    const real = this.#resolve(descriptor, path);
    const { type } = infoOf(statSync(real));
    if (this.#open.size >= mostOpen) refuse(errno.mfile);
    let free = preopened + 1;
    while (this.#open.has(free)) free++;
    if (type === fileTypes.directory) this.#open.set(free, { kind: "directory", path: real, entries: [] });
    else if (type !== fileTypes.regularFile) refuse(errno.acces);
    else {
      const handle = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW);
      this.#open.set(free, { kind: "file", path: real, handle, position: 0 });
    }
    return free;
  }

  /** @param follows whether the path's last link is followed @throws FileProblem */
  info(descriptor: number, path: string, follows: boolean): FileInfo {
    const named = below(path);
    const parent = this.#resolve(descriptor, posix.dirname(named));
    // Links to archives are shown as the directories that they stand for.
    const isShown = !follows && parent !== this.#roots[0];
    return infoOf(
      isShown ? lstatSync(join(parent, posix.basename(named))) : statSync(this.#resolve(descriptor, named)),
    );
  }

  /** Reads a directory again. @throws FileProblem */
  list(directory: OpenDirectory): void {
    const isGiven = directory.path === this.#roots[0];
    directory.entries = readdirSync(directory.path, { withFileTypes: true }).map((entry) => {
      const isDirectory = entry.isDirectory() || (isGiven && entry.isSymbolicLink());
      const others = entry.isSymbolicLink() ? fileTypes.symbolicLink : fileTypes.unknown;
      return {
        name: entry.name,
        type: isDirectory ? fileTypes.directory : entry.isFile() ? fileTypes.regularFile : others,
      };
    });
  }

  /** @throws FileProblem if it is not open */
  close(descriptor: number): void {
    const open = this.at(descriptor);
    this.#open.delete(descriptor);
    if (open.kind === "file") closeSync(open.handle);
  }

  closeAll(): void {
    for (const descriptor of this.#open.keys()) this.close(descriptor);
  }

  /** @returns the path without links of what a program can reach by this one */
  #resolve(descriptor: number, path: string): string {
    const real = realpathSync(join(this.directory(descriptor).path, below(path)));
    return this.#roots.some((root) => real === root || real.startsWith(root + sep)) ? real : refuse(errno.notcapable);
  }
}

/** The path without `.` and `..`. @throws FileProblem if it leads out of the directory that it counts from */
const below = (path: string): string => {
  if (path === "") refuse(errno.noent);
  const named = posix.normalize(path);
  return posix.isAbsolute(named) || named === ".." || named.startsWith("../") ? refuse(errno.notcapable) : named;
};

export const infoOf = (stats: Stats): FileInfo => {
  const { ino: inode, size } = stats;
  const others = stats.isSymbolicLink() ? fileTypes.symbolicLink : fileTypes.unknown;
  return {
    type: stats.isDirectory() ? fileTypes.directory : stats.isFile() ? fileTypes.regularFile : others,
    inode,
    size,
  };
};

/** @throws FileProblem */
export const refuse = (number: number): never => {
  throw new FileProblem(number);
};

const systemErrors = new Map<string, number>([
  ["EACCES", errno.acces],
  ["ELOOP", errno.loop],
  ["EMFILE", errno.mfile],
  ["ENAMETOOLONG", errno.nametoolong],
  ["ENOENT", errno.noent],
  ["ENOTDIR", errno.notdir],
  // A path with a NUL character.
  ["ERR_INVALID_ARG_VALUE", errno.inval],
]);

/** The number for what went wrong with a file. @throws what is no problem of a file */
export const errnoOf = (error: unknown): number => {
  if (error instanceof FileProblem) return error.errno;
  for (const [code, number] of systemErrors) if (hasCode(error, code)) return number;
  if (error instanceof Error && "syscall" in error) return errno.io;
  throw error;
};
