import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { JobOrder } from "../../job-order.ts";
import { sendSignal } from "../../process-groups.ts";
import type { ProcessLedger } from "../../process-ledger.ts";
import { RunnerOutput } from "./runner-output.ts";

/** How a runner ended. */
export type RunnerGone = {
  readonly reason: string;
  /** The last lines it wrote. */
  readonly tail: string;
};

type RunnerProcessOptions = {
  /** Program and arguments. */
  command: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Called when the runner is gone. */
  removeDirectory: () => Promise<void>;
  ledger: ProcessLedger;
  /** How long it may take to end when told to, in milliseconds. */
  killAfterMs: number;
  onLine: (line: string) => void;
};

/** How long to wait for the last output of a runner that is gone, in milliseconds. */
const outputMs = 1_000;

/**
 * A runner as a child process, leader of a process group of its own. Its standard input stays open for as long as this
 * process lives, so that its end tells the runner of ours. The first line on it names the runner's job; a line `drain` then
 * asks the runner to end after its task.
 */
export class RunnerProcess {
  /** Resolves when nothing is left of the runner, of its programs and of its files. */
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

  /** Whether the process has ended, though not all may be gone that it had started. */
  get exited(): boolean {
    return this.#exited;
  }

  /** Tells the runner for which job it is to work, once. */
  assign(order: JobOrder): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  /** Asks the runner to end after its current task. */
  drain(): void {
    this.#child.stdin?.write("drain\n");
  }

  /** Tells the runner to end now, and makes it end when it takes too long. */
  stop(): void {
    if (this.#exited || this.#killer !== undefined) return;
    this.#killer = setTimeout(() => this.kill(), this.#options.killAfterMs);
    if (this.#child.pid !== undefined) sendSignal(this.#child.pid, "SIGTERM");
  }

  /** Ends the runner and its process group at once. */
  kill(): void {
    if (this.#child.pid !== undefined) sendSignal(-this.#child.pid, "SIGKILL");
  }

  /** A runner of which the disk keeps no record could outlive this process unseen, so it must not live at all. */
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
    closed.catch(() => {}); // Where the child never was, `exit` tells.
    const reason = await this.#exit();
    this.#exited = true;
    clearTimeout(this.#killer);
    // The id of a group is not given out again while it has members, and where it has none this does nothing: the leader's
    // status was collected in this very tick or shortly before, much too short a time for its pid to come round again.
    this.kill();
    try {
      await this.#options.removeDirectory();
    } catch (error) {
      this.#options.onLine(`the runner's directory cannot be removed: ${String(error)}`);
    }
    // All writers are gone, so that the output ends, unless one has made itself a group and is none of the ledger's.
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
