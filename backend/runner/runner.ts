import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { protocolVersion, runnerFeatures } from "../../shared/protocol/versions.ts";
import {
  RunnerAnswerSchema,
  RunnerNoticeSchema,
  type Next,
  type RunnerAnswer,
  type RunnerJob,
  type RunnerNotice,
  type RunnerRequest,
  type RunnerSession,
} from "../../shared/protocol/runner.ts";
import type { Assignment } from "../../shared/protocol/tasks.ts";
import type { JobOrder } from "../job-order.ts";
import { Link, type Unnumbered } from "../link.ts";
import { LinkEndedError } from "../link-end.ts";
import type { RunnerConfig } from "./config.ts";
import { ContainerLog } from "./container-log.ts";
import { LogFollower } from "./log-follower.ts";
import { LogSender } from "./log-sender.ts";
import { ContentCache } from "./content-cache.ts";
import { RunnerToken } from "./runner-token.ts";
import { AttemptEndedError } from "./tasks/task-run.ts";
import type { Call } from "./thread/messages.ts";
import type { TaskThread } from "./thread/task-thread.ts";

/** An idle runner asks again after this time, in ms, in case a wake was lost. */
const idleMs = 15_000;

/** Most milliseconds between two pings, and how many pings at least are to go out in a lease. */
const longestHeartbeatMs = 10_000;
const pingsInLease = 3;

/** Of a lease, after which part the runner takes it for over: the rest is for its programs, which need some time to end. */
const usableLease = 0.9;

type Attempt = { readonly id: string; readonly abort: AbortController };
type Thread = Pick<TaskThread, "run" | "log">;

/**
 * Claims tasks and runs them, one at a time, until the job has ended.
 *
 * The attempt under way ends by itself when the job takes it away, or when the Worker has not heard from this runner for a
 * lease, by this machine's own monotonic clock: before anyone else is given the task.
 */
export class Runner {
  readonly #link: Link<RunnerRequest, RunnerAnswer, RunnerNotice>;
  readonly #token: RunnerToken;
  readonly #contents: ContentCache;
  readonly #thread: Thread;
  readonly #logs: LogSender;
  readonly #follower: LogFollower;
  readonly #containerLog: ContainerLog | undefined;
  readonly #busyFile: string | undefined;
  readonly #welcomed = Promise.withResolvers<void>();
  #job: RunnerJob | undefined;
  #leaseMs = Number.POSITIVE_INFINITY;
  #leaseWatch: NodeJS.Timeout | undefined;
  #attempt: Attempt | undefined;
  /** There may be work since the last claim was sent. */
  #woken = false;
  #wake: (() => void) | undefined;
  /** There is no link any more, and will be none. */
  #isOver = false;
  /** It ends after the attempt under way. */
  #draining = false;
  /** Somebody has told it to end at once. */
  #isTold = false;

  /** @param thread what the tasks are to run in */
  constructor(config: RunnerConfig, { jobId, token }: JobOrder, thread: Thread) {
    this.#token = new RunnerToken(token);
    this.#logs = new LogSender(thread.log, { workerUrl: config.WORKER_URL, jobId, token: this.#token });
    this.#follower = new LogFollower(thread.log, (piece) => this.#link.offer(piece));
    if (config.PARENT === "none")
      this.#containerLog = new ContainerLog(thread.log, (text) => process.stdout.write(text));
    const folder = join(config.WORK_DIR, "contents");
    this.#contents = new ContentCache({ folder, workerUrl: config.WORKER_URL, jobId, token: this.#token });
    this.#thread = thread;
    this.#busyFile = config.BUSY_FILE;
    this.#link = new Link({
      url: new URL(`/api/v1/jobs/${jobId}/link`, config.WORKER_URL.replace(/^http/, "ws")).href,
      token: () => this.#token.current,
      answerSchema: RunnerAnswerSchema,
      noticeSchema: RunnerNoticeSchema,
      hello: () => ({
        kind: "hello",
        version: protocolVersion,
        runnerId: config.RUNNER_ID,
        podName: config.RUNNER_ID,
        attempt: this.#attempt?.id ?? null,
        features: [...runnerFeatures],
      }),
      onWelcome: (answer) => this.#onWelcome(answer),
      onNotice: (notice) => this.#onNotice(notice),
      // Whoever follows asks again on the next connection, and may know less than has been sent on this one.
      onDown: () => this.#follower.unfollow(),
      log: (text) => console.error(text),
    });
  }

  /** Works until the job has ended, the runner is drained, or it is told to quit. */
  async run(): Promise<void> {
    void this.#link.closed.then(() => {
      this.#isOver = true;
      this.#end(new AttemptEndedError("the link to the job is over"));
    });
    try {
      await Promise.race([this.#welcomed.promise, this.#link.closed]);
      await this.#work();
    } catch (error) {
      if (!(error instanceof LinkEndedError)) throw error;
    } finally {
      clearInterval(this.#leaseWatch);
      await this.#link.close();
      await this.#logs.flush();
    }
    const end = await this.#link.closed;
    if (end.kind === "refused") throw new Error(`the Worker refused this runner: ${end.status} ${end.reason}`);
    // Only a runner whose job has ended has ended well.
    if (end.kind === "dismissed" && end.code !== closeCodes.ended)
      throw new Error(`the Worker sent it away: ${end.reason}`);
  }

  /** Finishes the attempt under way and ends then. */
  drain(): void {
    this.#draining = true;
    this.#wake?.();
  }

  /**
   * Ends the attempt under way, with its programs, gives it back, and ends the runner.
   * @param isTold somebody has told it to, and the agent will say why
   */
  quit(reason: string, isTold: boolean): void {
    this.drain();
    this.#isTold = isTold;
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
    this.#showBusy(true);
    const job = this.#job;
    if (job === undefined) throw new Error("a task came before the job was known");
    const abort = new AbortController();
    this.#attempt = { id: task.attempt, abort };
    // Before anybody can ask for it: what is there is another attempt's.
    this.#thread.log.reset();
    if (job.logs !== false) await this.#logs.begin(task.attempt);
    this.#containerLog?.begin(task.attempt);
    const report = await this.#thread.run(task, job, abort.signal, {
      call: (call) => this.#serve(call),
      progress: ({ counters, status }) => {
        this.#ask({ kind: "progress", attempt: task.attempt, counters, status }).catch(() => undefined);
      },
    });
    this.#attempt = undefined;
    this.#follower.end();
    if (job.logs !== false) this.#logs.end(task.attempt);
    this.#containerLog?.end(task.attempt);
    const logBytes = (job.logs !== false && this.#thread.log.length) || undefined;
    const answer = await this.#link.request(
      report.kind === "release" ? { ...report, logBytes, ending: this.#isTold } : { ...report, logBytes },
    );
    if (answer.kind !== "next") return this.#draining ? { next: "idle" } : this.#claim();
    this.#renew(answer.session);
    // A runner that is to end takes no further task: the one in the answer is given back.
    if (!this.#draining || answer.next.next !== "task") return answer.next;
    await this.#link.request({
      kind: "release",
      attempt: answer.next.task.attempt,
      reason: "the runner is no longer needed",
    });
    return { next: "idle" };
  }

  /** Does what the task thread cannot do by itself. */
  async #serve(call: Call): Promise<RunnerAnswer | string> {
    return call.what === "ask" ? this.#ask(call.request) : this.#contents.get(call.artifact);
  }

  /** Asks for the attempt under way. @throws AttemptEndedError when the job has taken it away */
  async #ask(request: Unnumbered<RunnerRequest>): Promise<RunnerAnswer> {
    const attempt = this.#attempt;
    const answer = await this.#link.request(request);
    if (answer.kind !== "fenced") return answer;
    const ended = new AttemptEndedError(answer.reason);
    attempt?.abort.abort(ended);
    throw ended;
  }

  async #claim(): Promise<Next> {
    // What it claims would end as soon as it begins, and be lost: so often that the job failed of it.
    while (this.#isLeaseOver() && !this.#draining && !this.#isOver) await sleep(this.#leaseMs / 30);
    this.#woken = false;
    const answer = await this.#link.request({ kind: "claim" });
    if (answer.kind !== "next") throw new Error(`the Worker answered ${answer.kind} to a claim`);
    this.#renew(answer.session);
    return answer.next;
  }

  #renew(session: RunnerSession | undefined): void {
    if (session !== undefined) this.#token.renew(session);
  }

  /** So that, of the pods of a job, one that is at work is not the first to go. */
  #showBusy(isBusy: boolean): void {
    const file = this.#busyFile;
    if (file === undefined) return;
    if (isBusy) writeFileSync(file, "");
    else rmSync(file, { force: true });
  }

  async #idle(): Promise<void> {
    if (this.#woken) return;
    this.#showBusy(false);
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
    this.#renew(answer.session);
    this.#leaseMs = answer.leaseSeconds * 1000;
    this.#link.setHeartbeat(Math.min(longestHeartbeatMs, this.#leaseMs / pingsInLease));
    clearInterval(this.#leaseWatch);
    this.#leaseWatch = setInterval(() => this.#watchLease(), this.#leaseMs / 30);
    if (!answer.resume) this.#end(new AttemptEndedError("the attempt was given up while the runner was away"));
    this.#welcomed.resolve();
  }

  #onNotice(notice: RunnerNotice): void {
    if (notice.kind === "wake") {
      this.#woken = true;
      this.#wake?.();
    } else if (notice.attempt === this.#attempt?.id) this.#onAttemptNotice(notice);
  }

  #onAttemptNotice(notice: Exclude<RunnerNotice, { kind: "wake" }>): void {
    switch (notice.kind) {
      case "revoke":
        this.#end(new AttemptEndedError(notice.reason));
        break;
      case "follow":
        if (this.#job?.logs !== false) this.#follower.follow(notice.attempt, this.#logs.storedOf(notice.attempt));
        break;
      case "unfollow":
        this.#follower.unfollow();
        break;
    }
  }

  #watchLease(): void {
    if (this.#isLeaseOver()) this.#end(new AttemptEndedError("the Worker could not be reached for a lease"));
  }

  /** Whether the Worker may have given up on this runner, for all that it knows. */
  #isLeaseOver(): boolean {
    return performance.now() - this.#link.lastContact > usableLease * this.#leaseMs;
  }

  /** Ends the attempt under way, if there is one. */
  #end(reason: AttemptEndedError): void {
    this.#attempt?.abort.abort(reason);
  }
}
