import path from "node:path";
import { formatAddress } from "../../shared/address.ts";
import { hasCode } from "./file-failure.ts";
import { StorageError } from "./store.ts";
import { linkTarget, realPath } from "./system-path.ts";

/**
 * Where a path really leads, links followed as far as it exists. Synchronously: the system knows the folders that it has just
 * looked at, and to have another thread ask costs ten times as much.
 */
const resolved = (file: string): string => {
  try {
    return realPath(file);
  } catch (error) {
    const parent = path.dirname(file);
    if (!hasCode(error, "ENOENT", "ENOTDIR") || parent === file) throw error;
    return path.join(resolved(parent), path.basename(file));
  }
};

const isWithin = (file: string, root: string): boolean =>
  file === root || file.startsWith(root.endsWith("/") ? root : `${root}/`);

/** The directories that `file:` addresses may lead to. */
export class FileRoots {
  readonly #roots: readonly string[];

  /** @param roots absolute paths */
  constructor(roots: readonly string[]) {
    this.#roots = roots;
  }

  /**
   * The real path of `file`, links followed, whether it exists or not.
   * @throws StorageError `OutsideRoots` where that is outside the roots
   */
  real(file: string): string {
    const real = resolved(path.resolve(file));
    if (this.#holds(real)) return real;
    throw this.#outside(file);
  }

  /**
   * Checks that a descriptor is of a file within the roots: between the look at a path and the opening of it, somebody may have put a
   * link in the place of a folder. Only Linux tells; elsewhere this does nothing.
   * @param file what it was opened as
   * @throws StorageError `OutsideRoots`
   */
  check(file: string, descriptor: number): void {
    if (process.platform === "linux" && !this.#holds(linkTarget(`/proc/self/fd/${descriptor}`))) {
      throw this.#outside(file);
    }
  }

  #holds(real: string): boolean {
    return this.#real().some((root) => isWithin(real, root));
  }

  #outside(file: string): StorageError {
    const allowed = this.#roots.length === 0 ? "there are none" : `these are ${this.#roots.join(", ")}`;
    return new StorageError(
      "OutsideRoots",
      `${formatAddress({ scheme: "file", path: file })} leads outside the directories in FILE_ROOTS: ${allowed} (OutsideRoots)`,
    );
  }

  /** Whether a real path is one of the roots. */
  has(real: string): boolean {
    return this.#real().includes(real);
  }

  #real(): readonly string[] {
    return this.#roots.map((root) => resolved(path.resolve(root)));
  }
}
