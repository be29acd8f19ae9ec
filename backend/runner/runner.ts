import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import {
  protocolVersion,
  RunnerAnswerSchema,
  RunnerNoticeSchema,
  type Assignment,
  type Next,
  type Result,
  type RunnerAnswer,
  type RunnerJob,
  type RunnerNotice,
  type RunnerRequest,
} from "../../shared/messages.ts";
import { Link, type Unnumbered } from "../link.ts";
import { LinkEndedError } from "../link-end.ts";
import { ProcessLedger } from "../process-ledger.ts";
import { ambientCredentials } from "../storage/credentials.ts";
import { openStore } from "../storage/open.ts";
import type { AttemptContext } from "./attempt-context.ts";
import { attemptError } from "./attempt-failure.ts";
import type { RunnerConfig } from "./config.ts";
import { Counters } from "./counters.ts";
import { taskEnvironment } from "./environment.ts";
import { ProgramCache } from "./program-cache.ts";
import { runClean } from "./tasks/clean.ts";
import { runCommit, runSuccess } from "./tasks/commit.ts";
import { runMap } from "./tasks/map.ts";
import { runPlan } from "./tasks/plan.ts";
import { MapOutputLostError, runReduce } from "./tasks/reduce.ts";
import { AttemptEndedError, type TaskRun } from "./tasks/task-run.ts";

/** An idle runner asks again after this time, in ms, in case a wake was lost. */
const idleMs = 15_000;

type Attempt = { readonly id: string; readonly abort: AbortController };

/**
 * Claims tasks and runs them, one at a time, until the job has ended.
 *
 * The attempt under way ends by itself when the job takes it away, or when the Worker has not heard from this runner for a
 * lease, by this machine's own monotonic clock: before anyone else is given the task.
 */
export class Runner {
  readonly #config: RunnerConfig;
  readonly #link: Link<RunnerRequest, RunnerAnswer, RunnerNotice>;
  readonly #programs: ProgramCache;
  readonly #ledger: ProcessLedger;
  readonly #welcomed = Promise.withResolvers<void>();
  #job: RunnerJob | undefined;
  #leaseMs = Number.POSITIVE_INFINITY;
  #attempt: Attempt | undefined;
  /** There may be work since the last claim was sent. */
  #woken = false;
  #wake: (() => void) | undefined;
  /** It ends after the attempt under way. */
  #draining = false;

  constructor(config: RunnerConfig) {
    this.#config = config;
    this.#programs = new ProgramCache(join(config.WORK_DIR, "programs"), config.WORKER_URL, config.RUNNER_TOKEN);
    this.#ledger = new ProcessLedger(config.PROCESS_LEDGER);
    this.#link = new Link({
      url: new URL(`/api/v1/jobs/${config.JOB_ID}/link`, config.WORKER_URL.replace(/^http/, "ws")).href,
      token: config.RUNNER_TOKEN,
      answerSchema: RunnerAnswerSchema,
      noticeSchema: RunnerNoticeSchema,
      hello: () => ({
        kind: "hello",
        version: protocolVersion,
        runnerId: config.RUNNER_ID,
        podName: config.RUNNER_ID,
        attempt: this.#attempt?.id ?? null,
      }),
      onWelcome: (answer) => this.#onWelcome(answer),
      onNotice: (notice) => this.#onNotice(notice),
      log: (text) => console.error(text),
    });
  }

  /** Works until the job has ended, the runner is drained, or it is told to quit. */
  async run(): Promise<void> {
    const lease = setInterval(() => this.#watchLease(), 1000);
    void this.#link.closed.then(() => this.#end(new AttemptEndedError("the link to the job is over")));
    try {
      await Promise.race([this.#welcomed.promise, this.#link.closed]);
      await this.#work();
    } catch (error) {
      if (!(error instanceof LinkEndedError)) throw error;
    } finally {
      clearInterval(lease);
      await this.#link.close();
    }
    const end = await this.#link.closed;
    if (end.kind === "refused") throw new Error(`the Worker refused this runner: ${end.status} ${end.reason}`);
  }

  /** Finishes the attempt under way and ends then. */
  drain(): void {
    this.#draining = true;
    this.#wake?.();
  }

  /** Ends the attempt under way, with its programs, gives it back, and ends the runner. */
  quit(reason: string): void {
    this.drain();
    this.#end(new AttemptEndedError(reason));
  }

  async #work(): Promise<void> {
    let next = await this.#claim();
    while (next.next !== "stop") {
      if (next.next === "task") next = await this.#perform(next.task);
      else {
        if (this.#draining) return;
        await this.#idle();
        next = this.#draining ? next : await this.#claim();
      }
    }
  }

  /** Runs a task and reports how it went. @returns what to do next */
  async #perform(task: Assignment): Promise<Next> {
    this.#woken = false;
    const abort = new AbortController();
    this.#attempt = { id: task.attempt, abort };
    const counters = new Counters();
    const report = await this.#run(task, abort.signal, counters);
    this.#attempt = undefined;
    const answer = await this.#link.request(report);
    // A runner that is to end takes no further task: the one in the answer is given back.
    if (answer.kind !== "next") return this.#draining ? { next: "idle" } : this.#claim();
    if (!this.#draining || answer.next.next !== "task") return answer.next;
    await this.#release(answer.next.task.attempt, "the runner is no longer needed");
    return { next: "idle" };
  }

  /** Runs a task to its end, whatever that is. @returns what the job is told of it */
  async #run(task: Assignment, signal: AbortSignal, counters: Counters): Promise<Unnumbered<RunnerRequest>> {
    const { attempt } = task;
    const tasksDir = join(this.#config.WORK_DIR, "tasks");
    let status = "";
    let told = "";
    const progress = setInterval(() => {
      const state = JSON.stringify([counters.snapshot(), status]);
      if (state === told) return;
      told = state;
      const message = { kind: "progress", attempt, counters: counters.snapshot(), status } as const;
      this.#ask(attempt, message).catch(() => undefined);
    }, 10_000);
    try {
      await mkdir(tasksDir, { recursive: true });
      const workDir = await mkdtemp(join(tasksDir, "task-"));
      try {
        const result = await this.#dispatch(task, {
          ...this.#context(task, workDir, signal, counters),
          status: (text) => {
            status = text;
          },
        });
        signal.throwIfAborted();
        return { kind: "complete", attempt, result, counters: counters.snapshot() };
      } finally {
        await rm(workDir, { recursive: true, force: true });
      }
    } catch (error) {
      if (signal.aborted) return { kind: "release", attempt, reason: String(signal.reason) };
      if (error instanceof AttemptEndedError) return { kind: "release", attempt, reason: error.message };
      if (error instanceof MapOutputLostError) {
        const { map, mapAttempt, message } = error;
        return { kind: "shuffle-lost", attempt, map, mapAttempt, message };
      }
      return { kind: "fail", attempt, error: attemptError(error) };
    } finally {
      clearInterval(progress);
    }
  }

  async #dispatch(task: Assignment, context: AttemptContext): Promise<Result> {
    const job = this.#job;
    if (job === undefined) throw new Error("a task came before the job was known");
    const run = this.#taskRun(job, task, context);
    switch (task.kind) {
      case "plan":
        return runPlan(task, run);
      case "map":
        return runMap(task, run);
      case "reduce":
        return runReduce(task, run);
      case "commit":
        return runCommit(task, run);
      case "success":
        return runSuccess(run);
      case "clean":
        return runClean(task, run);
    }
  }

  #taskRun(job: RunnerJob, task: Assignment, context: AttemptContext): TaskRun {
    const { FILE_ROOTS: fileRoots } = this.#config;
    const { signal } = context;
    const ambient = ambientCredentials(process.env);
    return {
      job,
      context,
      input: openStore({ credentials: job.input.credentials, ambient, fileRoots, signal }),
      output: openStore({ credentials: job.output.credentials, ambient, fileRoots, signal }),
      program: (role) => this.#programs.get(job, role),
      ask: async (request, kind) => {
        const answer = await this.#ask(task.attempt, request);
        if (!hasKind(answer, kind)) throw new Error(`the Worker answered ${answer.kind} to ${request.kind}`);
        return answer;
      },
    };
  }

  #context(task: Assignment, workDir: string, signal: AbortSignal, counters: Counters): Omit<AttemptContext, "status"> {
    const { SORT_BUFFER, MERGE_FACTOR, TASK_OUTPUT_LIMIT, RECORD_LIMIT } = this.#config;
    const job = this.#job;
    return {
      environment: job === undefined ? {} : taskEnvironment(job, task),
      workDir,
      sortBuffer: SORT_BUFFER,
      mergeFactor: MERGE_FACTOR,
      outputLimit: TASK_OUTPUT_LIMIT,
      recordLimit: RECORD_LIMIT,
      signal,
      counters,
      processes: this.#ledger,
    };
  }

  /** Asks for an attempt. @throws AttemptEndedError when the job has taken it away */
  async #ask(attempt: string, request: Unnumbered<RunnerRequest>): Promise<RunnerAnswer> {
    const answer = await this.#link.request(request);
    if (answer.kind !== "fenced") return answer;
    const ended = new AttemptEndedError(answer.reason);
    if (this.#attempt?.id === attempt) this.#end(ended);
    throw ended;
  }

  async #claim(): Promise<Next> {
    this.#woken = false;
    const answer = await this.#link.request({ kind: "claim" });
    if (answer.kind !== "next") throw new Error(`the Worker answered ${answer.kind} to a claim`);
    return answer.next;
  }

  async #release(attempt: string, reason: string): Promise<void> {
    await this.#link.request({ kind: "release", attempt, reason });
  }

  async #idle(): Promise<void> {
    if (this.#woken) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, idleMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  #onWelcome(answer: RunnerAnswer): void {
    if (answer.kind !== "welcome") throw new Error(`the Worker answered ${answer.kind} to hello`);
    this.#job = answer.job;
    this.#leaseMs = answer.leaseSeconds * 1000;
    if (!answer.resume) this.#end(new AttemptEndedError("the attempt was given up while the runner was away"));
    this.#welcomed.resolve();
  }

  #onNotice(notice: RunnerNotice): void {
    if (notice.kind === "wake") {
      this.#woken = true;
      this.#wake?.();
    } else if (notice.attempt === this.#attempt?.id) this.#end(new AttemptEndedError(notice.reason));
  }

  #watchLease(): void {
    const silent = performance.now() - this.#link.lastContact;
    if (silent > this.#leaseMs) this.#end(new AttemptEndedError("the Worker could not be reached for a lease"));
  }

  /** Ends the attempt under way, if there is one. */
  #end(reason: AttemptEndedError): void {
    this.#attempt?.abort.abort(reason);
  }
}

const hasKind = <Kind extends RunnerAnswer["kind"]>(
  answer: RunnerAnswer,
  kind: Kind,
): answer is Extract<RunnerAnswer, { kind: Kind }> => answer.kind === kind;
