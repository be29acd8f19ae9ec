import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { HookControl } from "./hooks/control.ts";

/** The size of the file system for the runners' directories, in MiB. */
const sizeMiB = 96;

const MiB = 1024 * 1024;

/**
 * The disk for the runners' files, which can be filled: a small file system if this process is allowed to mount one; otherwise
 * runners are made to believe that their disk is full.
 */
export class ScratchDisk {
  readonly kind: "tmpfs" | "injected";
  readonly #path: string;
  readonly #hooks: HookControl;
  readonly #unmount = (): void => {
    if (this.kind === "tmpfs") execFileSync("umount", ["--lazy", this.#path], { stdio: "ignore" });
  };

  /** @param path of the directory for runners, before there are any */
  constructor(path: string, hooks: HookControl) {
    this.#path = path;
    this.#hooks = hooks;
    mkdirSync(path, { recursive: true });
    this.kind = mounted(path) ? "tmpfs" : "injected";
    // Also when the suite does not end cleanly.
    process.once("exit", this.#unmount);
  }

  /** Leaves no free space, until `clear`. */
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

  /** Inside the file system, but not a runner's directory. */
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
