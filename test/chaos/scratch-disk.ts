import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { HookControl } from "./hooks/control.ts";

/** Of the file system that the runners' directories lie in, in MiB. */
const sizeMiB = 96;

const MiB = 1024 * 1024;

/**
 * The disk that runners have for their files, which can be made full: a small file system where this process may mount one,
 * else runners are made to believe that their disk is full.
 */
export class ScratchDisk {
  readonly kind: "tmpfs" | "injected";
  readonly #path: string;
  readonly #hooks: HookControl;
  readonly #unmount = (): void => {
    if (this.kind === "tmpfs") execFileSync("umount", ["--lazy", this.#path], { stdio: "ignore" });
  };

  /** @param path of the directory of runners, before there are any */
  constructor(path: string, hooks: HookControl) {
    this.#path = path;
    this.#hooks = hooks;
    mkdirSync(path, { recursive: true });
    this.kind = mounted(path) ? "tmpfs" : "injected";
    // Also where the suite ends in no good order.
    process.once("exit", this.#unmount);
  }

  /** Leaves no room at all, until `clear`. */
  fill(): void {
    if (this.kind === "injected") this.#hooks.fillDisk(true);
    else {
      const ballast = openSync(this.#ballast, "w");
      try {
        for (const bytes of [MiB, 4096]) fillUp(ballast, Buffer.alloc(bytes));
      } finally {
        closeSync(ballast);
      }
    }
  }

  clear(): void {
    if (this.kind === "injected") this.#hooks.fillDisk(false);
    else rmSync(this.#ballast, { force: true });
  }

  close(): void {
    process.off("exit", this.#unmount);
    this.#unmount();
  }

  /** Within the file system, but no runner's directory. */
  get #ballast(): string {
    return join(this.#path, ".ballast");
  }
}

const mounted = (path: string): boolean => {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMiB}m`, "edgefold-chaos", path], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

const fillUp = (file: number, piece: Buffer): void => {
  try {
    for (;;) writeSync(file, piece);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
};
