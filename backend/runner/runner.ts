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

/** An idle runner claims again after this time, in ms, in case a wake notice was lost. */
const idleMs = 15_000;

/** Maximum milliseconds between two pings, and the minimum number of pings per lease. */
const longestHeartbeatMs = 10_000;
const pingsInLease = 3;

/** The part of a lease after which the runner considers it expired. The rest gives its programs time to end. */
const usableLease = 0.9;

type Attempt = { readonly id: string; readonly abort: AbortController };
type Thread = Pick<TaskThread, "run" | "log">;

/**
 * Claims tasks and runs them, one at a time, until the job has ended.
 *
 * The running attempt ends by itself when the job revokes it, or when the Worker has not heard from this runner for a lease, by
 * this machine's own monotonic clock. It therefore ends before the task is assigned to anyone else.
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
  /** The Worker has sent a wake notice since the last claim, so there can be work. */
  #woken = false;
  #wake: (() => void) | undefined;
  /** The link has ended permanently. */
  #isOver = false;
  /** The runner ends after the running attempt. */
  #draining = false;
  /** Somebody has told the runner to end at once. */
  #isTold = false;

  /** @param thread the thread that runs the tasks */
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
      // Followers ask again on the next connection, and can have received less than was sent on this one.
      onDown: () => this.#follower.unfollow(),
      log: (text) => console.error(text),
    });
  }

  /** Runs until the job has ended, or the runner is drained or told to quit. */
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
    // A dismissed runner has succeeded only if its job has ended.
    if (end.kind === "dismissed" && end.code !== closeCodes.ended)
      throw new Error(`the Worker sent it away: ${end.reason}`);
  }

  /** Finishes the running attempt, then ends. */
  drain(): void {
    this.#draining = true;
    this.#wake?.();
  }

  /**
   * Ends the running attempt and its programs, releases the attempt, and ends the runner.
   * @param isTold somebody has told the runner to end, and the agent will report why
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

  /** Runs a task and reports its outcome. @returns what to do next */
  async #perform(task: Assignment): Promise<Next> {
    this.#woken = false;
    this.#showBusy(true);
    const job = this.#job;
    if (job === undefined) throw new Error("a task came before the job was known");
    const abort = new AbortController();
    this.#attempt = { id: task.attempt, abort };
    // Before anybody can ask for the log, because it still contains the previous attempt's.
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
    // A draining runner takes no further task, so it releases the one in the answer.
    if (!this.#draining || answer.next.next !== "task") return answer.next;
    await this.#link.request({
      kind: "release",
      attempt: answer.next.task.attempt,
      reason: "the runner is no longer needed",
    });
    return { next: "idle" };
  }

  /** Handles a call that the task thread cannot handle itself. */
  async #serve(call: Call): Promise<RunnerAnswer | string> {
    return call.what === "ask" ? this.#ask(call.request) : this.#contents.get(call.artifact);
  }

  /** Sends a request on behalf of the running attempt. @throws AttemptEndedError if the job has revoked the attempt */
  async #ask(request: Unnumbered<RunnerRequest>): Promise<RunnerAnswer> {
    const attempt = this.#attempt;
    const answer = await this.#link.request(request);
    if (answer.kind !== "fenced") return answer;
    const ended = new AttemptEndedError(answer.reason);
    attempt?.abort.abort(ended);
    throw ended;
  }

  async #claim(): Promise<Next> {
    // With an expired lease, each claimed attempt would end at once and count as lost, often enough to fail the job.
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

  /** Shows whether a task is running, so that Kubernetes ends idle pods of the job before busy ones. */
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
    this.#contents.fetchAhead(answer.job.programs);
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

  /** Whether the Worker can have given up on this runner, as far as the runner knows. */
  #isLeaseOver(): boolean {
    return performance.now() - this.#link.lastContact > usableLease * this.#leaseMs;
  }

  /** Ends the running attempt, if there is one. */
  #end(reason: AttemptEndedError): void {
    this.#attempt?.abort.abort(reason);
  }
}
