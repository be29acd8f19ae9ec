import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const guard = fileURLToPath(new URL("guard.ts", import.meta.url));

/** Where Node keeps compiled code from one start to the next: large modules load in two thirds of the time. */
const compileCache = fileURLToPath(new URL("../../node_modules/.cache/node-compile-cache", import.meta.url));

/** How long a command and all it has started may take to end, in ms, before its group is killed. */
const graceMs = 8_000;

const toStandardError = (text: string): void => {
  process.stderr.write(text);
};

/** A command that does not outlive this process, even if this process is killed; nor does anything that it starts. */
export class Guarded {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  /** What it has printed last, for the message when it fails. */
  #tail = "";

  /**
   * @param command a script for this very Node, and its arguments
   * @param onLine takes what the command prints on its standard output
   * @param log takes what it prints on its standard error
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
      env: { NODE_COMPILE_CACHE: compileCache, ...env },
    });
    this.#exited = once(this.#child, "exit");
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#keep(text);
      for (const line of text.split("\n")) if (line !== "") onLine(line);
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#keep(text);
      log(text);
    });
  }

  /** Of the process group, which this process's own signals do not reach. */
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

  /** Ends the command with all that it has started. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#kill(), graceMs);
    await this.#exited;
    clearTimeout(timer);
    // What the command may have left in its group.
    this.#kill();
  }

  #kill(): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // The group is gone.
    }
  }

  #keep(text: string): void {
    this.#tail = (this.#tail + text).slice(-4096);
  }
}
