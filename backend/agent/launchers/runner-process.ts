import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { JobOrder } from "../../job-order.ts";
import { sendSignal } from "../../process-groups.ts";
import type { ProcessLedger } from "../../process-ledger.ts";
import { RunnerOutput } from "./runner-output.ts";

/** How a runner ended. */
export type RunnerGone = {
  readonly reason: string;
  /** The last lines that it wrote. */
  readonly tail: string;
};

type RunnerProcessOptions = {
  /** Program and arguments. */
  command: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Called when the runner is gone. */
  removeDirectory: () => Promise<void>;
  ledger: ProcessLedger;
  /** How long the runner may take to end when told to, in milliseconds. */
  killAfterMs: number;
  onLine: (line: string) => void;
};

/** How long to wait for the remaining output of a runner that is gone, in milliseconds. */
const outputMs = 1_000;

/**
 * A runner as a child process that leads its own process group. Its standard input stays open as long as this process lives, so
 * end-of-file tells the runner that this process has ended. The first line on it names the runner's job. A later line `drain`
 * asks the runner to end after its task.
 */
export class RunnerProcess {
  /** Resolves when the runner, its programs and its files are all gone. */
  readonly gone: Promise<RunnerGone>;
  readonly #child: ChildProcess;
  readonly #options: RunnerProcessOptions;
  readonly #output: RunnerOutput;
  #exited = false;
  #unrecorded: string | undefined;
  #killer: NodeJS.Timeout | undefined;

  constructor(options: RunnerProcessOptions) {
    this.#options = options;
    this.#output = new RunnerOutput(options.onLine);
    const [program = "", ...args] = options.command;
    this.#child = spawn(program, args, { detached: true, env: options.env, stdio: "pipe" });
    this.#record();
    this.#child.stdin?.on("error", () => {}); // The runner is ending.
    for (const stream of [this.#child.stdout, this.#child.stderr]) if (stream !== null) this.#output.read(stream);
    this.gone = this.#run();
  }

  /** Whether the process has ended. Processes that it started may still exist. */
  get exited(): boolean {
    return this.#exited;
  }

  /** Tells the runner which job to work for. Must be called at most once. */
  assign(order: JobOrder): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  /** Asks the runner to end after its current task. */
  drain(): void {
    this.#child.stdin?.write("drain\n");
  }

  /** Tells the runner to end now, and kills it if it takes too long. */
  stop(): void {
    if (this.#exited || this.#killer !== undefined) return;
    this.#killer = setTimeout(() => this.kill(), this.#options.killAfterMs);
    if (this.#child.pid !== undefined) sendSignal(this.#child.pid, "SIGTERM");
  }

  /** Kills the runner and its process group immediately. */
  kill(): void {
    if (this.#child.pid !== undefined) sendSignal(-this.#child.pid, "SIGKILL");
  }

  /** Records the runner on disk, or kills it: without a record it could outlive this process unnoticed. */
  #record(): void {
    if (this.#child.pid === undefined) return;
    try {
      this.#options.ledger.add(this.#child.pid);
    } catch (error) {
      this.#unrecorded = `cannot be recorded: ${String(error)}`;
      this.kill();
    }
  }

  async #run(): Promise<RunnerGone> {
    const closed = once(this.#child, "close");
    closed.catch(() => {}); // If the child was never started, `#exit` reports it.
    const reason = await this.#exit();
    this.#exited = true;
    clearTimeout(this.#killer);
    // A group's id is not reused while the group has members. If it has none, this does nothing: the leader was reaped in this
    // very tick or shortly before, much too recently for its pid to be reused.
    this.kill();
    try {
      await this.#options.removeDirectory();
    } catch (error) {
      this.#options.onLine(`the runner's directory cannot be removed: ${String(error)}`);
    }
    // All writers are gone, so the output ends, unless one moved to its own process group and is not in the ledger.
    const late = setTimeout(() => {
      this.#child.stdout?.destroy();
      this.#child.stderr?.destroy();
    }, outputMs);
    await closed.catch(() => {});
    clearTimeout(late);
    if (this.#child.pid !== undefined) this.#options.ledger.remove(this.#child.pid);
    return { reason: this.#unrecorded ?? reason, tail: this.#output.tail };
  }

  async #exit(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#child.on("error", (error) => {
      if (this.#child.pid === undefined) resolve(`cannot be started: ${error.message}`);
    });
    this.#child.on("exit", (code, signal) => {
      resolve(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`);
    });
    return promise;
  }
}
