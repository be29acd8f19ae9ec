import { realpath } from "node:fs/promises";
import path from "node:path";
import { hasCode } from "./file-failure.ts";
import { StorageError } from "./store.ts";

/** Where a path really leads, links followed as far as it exists. */
const resolved = async (file: string): Promise<string> => {
  try {
    return await realpath(file);
  } catch (error) {
    const parent = path.dirname(file);
    if (!hasCode(error, "ENOENT", "ENOTDIR") || parent === file) throw error;
    return path.join(await resolved(parent), path.basename(file));
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
  async real(file: string): Promise<string> {
    const real = await resolved(path.resolve(file));
    const roots = await this.#real();
    if (roots.some((root) => isWithin(real, root))) return real;
    const allowed = this.#roots.length === 0 ? "there are none" : `these are ${this.#roots.join(", ")}`;
    throw new StorageError(
      "OutsideRoots",
      `file://${file} leads outside the directories in FILE_ROOTS: ${allowed} (OutsideRoots)`,
    );
  }

  /** Whether a real path is one of the roots. */
  async has(real: string): Promise<boolean> {
    return (await this.#real()).includes(real);
  }

  #real(): Promise<readonly string[]> {
    return Promise.all(this.#roots.map((root) => resolved(path.resolve(root))));
  }
}
