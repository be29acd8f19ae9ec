import { mkdirSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Controls the hooks in agents and runners through files in a folder that they poll ten times a second. */
export class HookControl {
  readonly #folder: string;

  /** @param folder used by nothing else */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** For `NODE_OPTIONS` of the agent, which passes it on to its runners; keeps the current value. */
  get nodeOptions(): string {
    const hooks = ["clock-hook.ts", "disk-hook.ts"].map((name) => {
      const url = new URL(name, import.meta.url);
      url.searchParams.set("folder", pathToFileURL(this.#folder).href);
      return `--import="${url.href}"`;
    });
    return [process.env["NODE_OPTIONS"] ?? "", ...hooks].join(" ").trim();
  }

  /** Makes the clock of a process wrong by so many ms, until `setRight`. */
  setWrong(pid: number, ms: number): void {
    writeFileSync(this.#clock(pid), String(ms));
  }

  /** Whether the process has adopted the wrong time. */
  isWrong(pid: number): boolean {
    return existsSync(`${this.#clock(pid)}.seen`);
  }

  setRight(pid: number): void {
    rmSync(this.#clock(pid), { force: true });
    rmSync(`${this.#clock(pid)}.seen`, { force: true });
  }

  /** Sets whether the disk is full for all runners; used if no file system can be mounted that is. */
  fillDisk(isFull: boolean): void {
    const path = join(this.#folder, "disk-full");
    if (isFull) writeFileSync(path, "");
    else rmSync(path, { force: true });
  }

  #clock(pid: number): string {
    return join(this.#folder, `clock-${pid}`);
  }
}
