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

  /** Waits until its output matches. @returns the match. @throws Error with its output, if it ends first or takes too long */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    return await this.#until(`output like ${pattern}`, () => pattern.exec(this.output) ?? undefined);
  }

  /** Waits until the server that it runs answers. @throws Error with its output, if it ends first or takes too long */
  async answered(url: string): Promise<void> {
    await this.#until(`an answer of ${url}`, async () => {
      const response = await fetch(url).catch(() => undefined);
      return response?.ok === true ? true : undefined;
    });
  }

  async #until<T>(what: string, read: () => Promise<T | undefined> | T | undefined): Promise<T> {
    try {
      return await until(what, async () => {
        const hasEnded = this.#hasEnded;
        const value = await read();
        if (value === undefined && hasEnded) throw new Error(`ended before: ${what}`);
        return value;
      });
    } catch (error) {
      throw new Error(`${String(error)}\nThe command's output:\n${this.output}`, { cause: error });
    }
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
