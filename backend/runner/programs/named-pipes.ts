import { execFile } from "node:child_process";
import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** How many pipes to make at a time: those of a few programs. */
const batch = 24;

/**
 * Makes named pipes, each for one use: a process that a program has left behind can still write to its own. Only the command `mkfifo`
 * can make them, and to start it takes as long as to start a program, so it makes some at a time.
 */
export class NamedPipes {
  readonly #parent: string;
  #folder: string | undefined;
  #made = 0;
  #ready: string[] = [];
  #making: Promise<void> | undefined;

  /** @param parent the folder to make a folder for them in, which the caller removes, on a file system that supports named pipes */
  constructor(parent: string) {
    this.#parent = parent;
  }

  /** Returns the paths of pipes that nobody else has. The caller removes them. @param count at most 3 */
  async take(count: number): Promise<string[]> {
    // Others can take what was made.
    while (this.#ready.length < count) {
      this.#making ??= this.#make().finally(() => {
        this.#making = undefined;
      });
      await this.#making;
    }
    return this.#ready.splice(0, count);
  }

  async #make(): Promise<void> {
    await mkdir(this.#parent, { recursive: true });
    const folder = (this.#folder ??= await mkdtemp(join(this.#parent, "pipes-")));
    const paths = Array.from({ length: batch }, () => join(folder, String(this.#made++)));
    await promisify(execFile)("mkfifo", ["-m", "600", ...paths]);
    this.#ready.push(...paths);
  }
}
