import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { RunnerAnswer, RunnerJob } from "../../../shared/protocol/runner.ts";
import type { Assignment } from "../../../shared/protocol/tasks.ts";
import { removeFolder } from "../../folders.ts";
import { reap } from "../../process-ledger.ts";
import { attemptError } from "../attempt-failure.ts";
import type { RunnerConfig } from "../config.ts";
import { AttemptLog } from "../attempt-log.ts";
import { Progress } from "../progress.ts";
import { failureReport, tasksFolder } from "../tasks/run.ts";
import { TaskTimeoutError } from "../task-timeout.ts";
import { AttemptEndedError, type Report } from "../tasks/task-run.ts";
import type { Call, FromThread, ThreadStart, ToThread } from "./messages.ts";
import { StallWatch } from "./stall-watch.ts";

/** How long a task may take to end by itself once its attempt is over, in ms. Programs get 2 s of it. */
const graceMs = 3_000;

/** How the thread's messages reach the runner. */
export type ThreadCalls = {
  call(call: Call): Promise<RunnerAnswer | string>;
  progress(message: Extract<FromThread, { kind: "progress" }>): void;
};

/**
 * The thread that runs tasks, one at a time. It starts at once, so that it has loaded its modules when the first task arrives. It
 * is reused until tasks have left too much memory behind, such as their modules. The next thread then starts while this one runs
 * its last task. If a task does not end when its attempt is over, such as a module in an endless loop, or if it runs out of
 * memory or calls `process.exit`, the thread ends too, and the next task gets a new one.
 */
export class TaskThread {
  readonly #config: RunnerConfig;
  readonly #code: URL;
  readonly #progress = new Progress();
  /** The log of the running attempt, or of the last one. The caller of `run` resets it before each task. */
  readonly log = new AttemptLog();
  /** The thread for the next task. */
  #worker: Worker | undefined;
  /** The thread that should run at most one more task. */
  #worn: Worker | undefined;

  /**
   * @param config must not contain secrets, because modules in the thread can read the data it was started with
   * @param code what the thread runs: `main.ts` of this folder, or what it was bundled into
   * @param rehearses whether there is time before the first task; see `rehearse`
   */
  constructor(config: RunnerConfig, code: URL, rehearses = false) {
    this.#config = config;
    this.#code = code;
    this.#worker = this.#start(rehearses);
  }

  /** Runs a task to its end, or until `signal` ends the attempt. Never rejects. */
  async run(task: Assignment, job: RunnerJob, signal: AbortSignal, calls: ThreadCalls): Promise<Report> {
    const worker = this.#worker ?? this.#start();
    this.#worker = worker === this.#worn ? this.#start() : worker;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
    const post = (message: ToThread): void => worker.postMessage(message);
    const { promise, resolve } = Promise.withResolvers<Report | Error>();
    const onMessage = (message: FromThread): void => {
      if (message.kind === "report") {
        if (message.isWorn) this.#worn = worker;
        resolve(message.report);
      } else if (message.kind === "progress") calls.progress(message);
      else void serve(calls, message.id, message.call, post);
    };
    let killer: NodeJS.Timeout | undefined;
    const end = (message: ToThread): void => {
      post(message);
      killer ??= setTimeout(() => void worker.terminate(), graceMs);
    };
    const onAbort = (): void => end({ kind: "abort", reason: reasonOf(signal) });
    const { taskTimeoutSeconds: seconds } = job;
    const stall = new StallWatch(this.#progress, isWatched(task) ? seconds * 1000 : 0, () =>
      end({ kind: "time-out", seconds }),
    );
    worker.on("message", onMessage);
    // A module can throw anything.
    const onError = (error: unknown): void => resolve(error instanceof Error ? error : new Error(String(error)));
    const onExit = (code: number): void => resolve(new Error(`the task's thread has ended with exit code ${code}`));
    worker.once("error", onError);
    worker.once("exit", onExit);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    post({ kind: "run", task, job });
    try {
      const outcome = await promise;
      if (outcome instanceof Error) await this.#bury(worker);
      if (!(outcome instanceof Error)) return outcome;
      if (stall.isOver && !signal.aborted) return timedOut(task, seconds);
      return signal.aborted ? released(task, reasonOf(signal)) : crashed(task, outcome);
    } finally {
      clearTimeout(killer);
      stall.stop();
      signal.removeEventListener("abort", onAbort);
      // Not `removeAllListeners`: that also removes the `Worker`'s own listeners, and no further message arrives.
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      if (this.#worker !== worker) void worker.terminate();
    }
  }

  #start(rehearses = false): Worker {
    const worker = new Worker(this.#code, {
      workerData: {
        config: this.#config,
        rehearses,
        progress: this.#progress.memory,
        log: this.log.memory,
      } satisfies ThreadStart,
      trackUnmanagedFds: false,
      resourceLimits: { maxYoungGenerationSizeMb: 96 },
    });
    // The thread can also end between tasks: a module can have left behind a timer that throws.
    worker.on("error", () => undefined);
    worker.once("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }

  /** Removes what a dead thread has left behind: programs and files. */
  async #bury(worker: Worker): Promise<void> {
    if (this.#worker === worker) this.#worker = undefined;
    await worker.terminate();
    await reap(this.#config.PROCESS_LEDGER);
    await removeFolder(join(this.#config.WORK_DIR, tasksFolder));
  }
}

const serve = async (calls: ThreadCalls, id: number, call: Call, post: (message: ToThread) => void): Promise<void> => {
  try {
    post({ kind: "returned", id, value: await calls.call(call) });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    post({ kind: "threw", id, message, attemptEnded: error instanceof AttemptEndedError });
  }
};

const reasonOf = (signal: AbortSignal): string =>
  signal.reason instanceof Error ? signal.reason.message : String(signal.reason);

/**
 * Whether the task timeout applies: it does if the task depends on something the user provided, an input or a program. Other
 * tasks only wait for the store, which has its own limits; the user's limit would penalize a job that has done all of its work.
 */
const isWatched = ({ kind }: Assignment): boolean => kind === "plan" || kind === "map" || kind === "reduce";

/** The report of a thread that a module kept from reporting the timeout itself. */
const timedOut = ({ attempt }: Assignment, seconds: number): Report =>
  failureReport(attempt, new TaskTimeoutError(seconds));

const released = ({ attempt }: Assignment, reason: string): Report => ({ kind: "release", attempt, reason });

const crashed = ({ attempt }: Assignment, error: Error): Report => {
  const { message } = attemptError(error);
  const outOfMemory = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
  return {
    kind: "fail",
    attempt,
    error: {
      code: outOfMemory ? "OutOfMemory" : "TaskCrashed",
      message: outOfMemory ? `the task ran out of memory: ${message}` : message,
      final: false,
    },
  };
};
