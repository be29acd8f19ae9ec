import path from "node:path";
import { formatAddress } from "../../shared/address.ts";
import { hasCode } from "./file-failure.ts";
import { StorageError } from "./store.ts";
import { linkTarget, realPath } from "./system-path.ts";

/**
 * Resolves a path, following links as far as it exists. Synchronous, because the system has recently used folders cached, and
 * asking from another thread costs ten times as much.
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
   * The real path of `file` with links followed, whether the file exists or not.
   * @throws StorageError `OutsideRoots` if that is outside the roots
   */
  real(file: string): string {
    const real = resolved(path.resolve(file));
    if (this.#holds(real)) return real;
    throw this.#outside(file);
  }

  /**
   * Checks that a descriptor refers to a file within the roots. Between resolving a path and opening it, somebody could have
   * replaced a folder by a link. Only Linux exposes the path of a descriptor; elsewhere this does nothing.
   * @param file the path under which it was opened
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
