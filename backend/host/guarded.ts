import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { groupAlive, sendSignal } from "../process-groups.ts";
import { compileCache } from "./compile-cache.ts";

const guard = fileURLToPath(new URL("guard.ts", import.meta.url));

/** How long a command and its descendants may take to end before the process group is killed, in milliseconds. */
const graceMs = 8_000;

/** The maximum time to wait for the end of killed processes, in milliseconds. */
const killedMs = 5_000;

/** Writes to this process's own standard error. */
export const toStandardError = (text: string): void => {
  process.stderr.write(text);
};

/** A command that does not outlive this process, even if this process is killed. Neither do its descendants. */
export class Guarded {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  /** The end of the command's output, for the message if it fails. */
  #tail = "";

  /**
   * @param command a script for the Node that runs this process, and its arguments
   * @param onLine receives the lines that the command prints to its standard output
   * @param log receives what it prints to its standard error
   */
  constructor(
    command: readonly string[],
    env: NodeJS.ProcessEnv,
    onLine: (line: string) => void = () => undefined,
    log: (text: string) => void = toStandardError,
  ) {
    this.#child = spawn(process.execPath, [guard, process.execPath, ...command], {
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...compileCache, ...env },
    });
    this.#exited = once(this.#child, "exit");
    const { stdout } = this.#child;
    if (stdout !== null) {
      createInterface(stdout).on("line", (line) => {
        this.#keep(`${line}\n`);
        if (line !== "") onLine(line);
      });
    }
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#keep(text);
      log(text);
    });
  }

  /** The id of the command's process group. Signals to this process's own group do not reach it. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get tail(): string {
    return this.#tail;
  }

  /** Resolves when the command has ended. */
  get exited(): Promise<unknown> {
    return this.#exited;
  }

  /** Ends the command and its descendants. Resolves when none of them is alive, so that nothing holds their ports and files. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#kill(), graceMs);
    await this.#exited;
    clearTimeout(timer);
    // Kills whatever the command may have left in its group.
    this.#kill();
    const { pid } = this.#child;
    // A killed process lives on for a moment.
    if (pid !== undefined)
      for (const end = Date.now() + killedMs; groupAlive(pid) && Date.now() < end;) await sleep(10);
  }

  #kill(): void {
    if (this.#child.pid !== undefined) sendSignal(-this.#child.pid, "SIGKILL");
  }

  #keep(text: string): void {
    this.#tail = (this.#tail + text).slice(-4096);
  }
}
