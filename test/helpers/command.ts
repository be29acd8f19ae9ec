import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { stripVTControlCharacters } from "node:util";
import { sendSignal } from "../../backend/process-groups.ts";
import { until } from "./until.ts";

/** A command as a user starts it in a terminal: in its own process group, which receives the terminal's signals. */
export class Command {
  /** What it has printed so far, on stdout and stderr. */
  output = "";
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor(
    program: string,
    args: readonly string[],
    { env = {}, cwd }: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
  ) {
    this.#child = spawn(program, args, {
      cwd,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    this.#closed = once(this.#child, "exit");
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += stripVTControlCharacters(text);
      });
    }
  }

  /** Waits until its output matches. @returns the match */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    return until(`output like ${pattern}`, () => {
      const found = pattern.exec(this.output);
      if (found === null && this.#hasEnded) throw new Error(`the command has ended: ${this.output}`);
      return found ?? undefined;
    });
  }

  /** Sends a signal to the whole group, as a terminal does. */
  signal(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined) sendSignal(-this.#child.pid, signal);
  }

  /** Waits until it ends. @returns its exit code, or the signal that ended it */
  async exit(): Promise<number | NodeJS.Signals | null> {
    await this.#closed;
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}
