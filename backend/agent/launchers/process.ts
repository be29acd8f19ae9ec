import { rm } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { WantedJob } from "../../../shared/protocol/agent.ts";
import { ProcessLedger } from "../../process-ledger.ts";
import { fairShares, nextTurn } from "./fair-share.ts";
import { JobRunners, type Runner } from "./job-runners.ts";
import type { Launcher, LauncherEvents } from "./launcher.ts";
import type { RestartTimes } from "./restart-policy.ts";
import { forgetExit, ledgerDirectory } from "./runner-directory.ts";
import type { RunnerGone } from "./runner-process.ts";
import { RunnerStarter } from "./runner-starter.ts";
import { Spares } from "./spares.ts";

/** In milliseconds. */
export type ProcessTimes = RestartTimes & {
  /** How long a job keeps its runner while another job has none. On a busy machine, starting a runner takes seconds of that. */
  readonly quantumMs: number;
  /** How long a runner may take to end when its job is removed. */
  readonly killAfterMs: number;
  /** How long to start no spare after a runner was assigned its job, because a spare would take CPU time from it. */
  readonly headStartMs: number;
};

export const defaultTimes: ProcessTimes = {
  settleMs: 5_000,
  firstWaitMs: 1_000,
  longestWaitMs: 30_000,
  quantumMs: 30_000,
  killAfterMs: 3_000,
  headStartMs: 1_000,
};

type ProcessLauncherOptions = {
  capacity: number;
  /** The agent's directory, exclusive to this launcher. */
  dir: string;
  /** The directory in which runners keep map outputs, one folder per job, or `store`. */
  shuffle: string;
  /** The runner's program and arguments. */
  command: readonly string[];
  /** Passed to every runner, in addition to the runner's own variables. */
  env: NodeJS.ProcessEnv;
  times: ProcessTimes;
  log: (text: string) => void;
};

/**
 * Starts runners as child processes on this machine, shares the slots among the jobs, and replaces runners that end. Spares
 * wait for the next job in free slots.
 */
export class ProcessLauncher implements Launcher {
  readonly name = "process";
  readonly capacity: number;
  readonly #options: ProcessLauncherOptions;
  readonly #events: LauncherEvents;
  readonly #starter: RunnerStarter;
  readonly #spares: Spares;
  /** In the order of arrival. */
  readonly #jobs = new Map<string, JobRunners>();
  #timer: NodeJS.Timeout | undefined;
  /** When a runner was last assigned its job, in milliseconds of `performance.now()`. */
  #lastAssigned = -Infinity;
  #stopping = false;

  constructor(options: ProcessLauncherOptions, events: LauncherEvents) {
    this.capacity = options.capacity;
    this.#options = options;
    this.#events = events;
    const { dir, command, env, shuffle: SHUFFLE, times, log } = options;
    const ledger = new ProcessLedger(ledgerDirectory(dir));
    const { killAfterMs, longestWaitMs: retryMs } = times;
    this.#starter = new RunnerStarter({ dir, command, env: { ...env, SHUFFLE }, ledger, killAfterMs, log });
    this.#spares = new Spares({ start: () => this.#starter.start(), retryMs, log });
  }

  want(jobs: readonly WantedJob[]): void {
    const wanted = new Map(jobs.map((job) => [job.jobId, job]));
    for (const job of jobs) {
      if (!this.#jobs.has(job.jobId)) this.#jobs.set(job.jobId, new JobRunners(job.jobId, this.#options.times));
    }
    for (const job of this.#jobs.values()) job.wanted = wanted.get(job.jobId);
    this.#arrange();
  }

  async remove(jobId: string): Promise<void> {
    const job = this.#jobs.get(jobId);
    if (job !== undefined) {
      job.wanted = undefined;
      await this.#end([...job.runners]);
      this.#arrange();
    }
    // The job's own cleanup has already done this, except for files that a hung runner wrote in the meantime.
    const { shuffle } = this.#options;
    if (shuffle !== "store") await rm(join(shuffle, jobId), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const runners = [...this.#jobs.values()].flatMap((job) => [...job.runners]);
    await Promise.all([this.#spares.stop(), this.#end(runners)]);
  }

  kill(): void {
    this.#stopping = true;
    this.#spares.kill();
    for (const job of this.#jobs.values()) for (const runner of job.runners) runner.process.kill();
  }

  async #end(runners: readonly Runner[]): Promise<void> {
    for (const runner of runners) {
      runner.leaving = true;
      runner.process.stop();
    }
    await Promise.all(runners.map((runner) => runner.process.gone));
  }

  /** Reconciles the runners with what is wanted. Must be called after every change that can affect either. */
  #arrange(): void {
    if (this.#stopping) return;
    const now = performance.now();
    const turn = { now, quantum: this.#options.times.quantumMs };
    for (const job of this.#jobs.values()) {
      if (job.wanted === undefined && job.runners.size === 0) this.#jobs.delete(job.jobId);
    }
    const jobs = [...this.#jobs.values()].filter((job) => job.wanted !== undefined);
    const claims = jobs.map((job) => job.claim(now));
    const shares = fairShares(claims, Math.max(0, this.capacity - this.#unwantedRunners()), turn);
    this.#makeRoom(jobs, shares);
    this.#fill(jobs, shares, now);
    this.#keepSpares();
    const after = jobs.map((job) => job.claim(now));
    const waits = jobs.map((job) => job.policy.waitsUntil(now)).filter((time) => time !== undefined);
    this.#arrangeIn(Math.min(nextTurn(after, shares, turn) ?? Infinity, ...waits.map((time) => time - now)));
  }

  #arrangeIn(milliseconds: number): void {
    clearTimeout(this.#timer);
    if (milliseconds < Infinity) this.#timer = setTimeout(() => this.#arrange(), Math.ceil(milliseconds));
  }

  /** Keeps spares in the slots that no job needs now. If all are free, starting spares cannot delay any job. */
  #keepSpares(): void {
    const free = this.#freeSlots();
    this.#spares.keep(free, free === this.capacity ? -Infinity : this.#lastAssigned + this.#options.times.headStartMs);
  }

  #freeSlots(): number {
    return this.capacity - this.#jobs.values().reduce((sum, job) => sum + job.runners.size, 0);
  }

  #unwantedRunners(): number {
    return this.#jobs.values().reduce((sum, job) => sum + (job.wanted === undefined ? job.runners.size : 0), 0);
  }

  /**
   * Drains runners beyond their jobs' shares, but only as many as other jobs lack. A job that temporarily wants fewer, as at the
   * end of a phase, keeps the runners that no other job needs, because it will want them again.
   */
  #makeRoom(jobs: readonly JobRunners[], shares: readonly number[]): void {
    const leaving = this.#jobs.values().reduce((sum, job) => sum + job.runners.size - job.staying.length, 0);
    const lacking = jobs.reduce((sum, job, i) => sum + Math.max(0, (shares[i] ?? 0) - job.staying.length), 0);
    let room = Math.max(0, lacking - leaving - this.#freeSlots());
    for (const [i, job] of jobs.entries()) {
      const surplus = job.staying.slice(shares[i] ?? 0).slice(0, room);
      room -= surplus.length;
      this.#drain(surplus);
    }
  }

  #drain(runners: readonly Runner[]): void {
    for (const runner of runners) {
      runner.leaving = true;
      runner.process.drain();
    }
  }

  /** Gives each free slot to the job furthest below its share or, among equals, to the one that has waited longest. */
  #fill(jobs: readonly JobRunners[], shares: readonly number[], now: number): void {
    const failed = new Set<JobRunners>();
    for (let free = this.#freeSlots(); free > 0; free--) {
      const [neediest] = jobs
        .map((job, index) => ({ job, lacks: (shares[index] ?? 0) - job.staying.length, since: job.claim(now).since }))
        .filter(({ job, lacks }) => lacks > 0 && !failed.has(job))
        .toSorted((a, b) => b.lacks - a.lacks || a.since - b.since);
      if (neediest?.job.wanted === undefined) return;
      if (!this.#start(neediest.job, neediest.job.wanted)) failed.add(neediest.job);
    }
  }

  /** Gives the job one more runner: a spare if there is one, else a new one. @returns whether that worked */
  #start(job: JobRunners, { jobId, token }: WantedJob): boolean {
    const startedAt = performance.now();
    this.#lastAssigned = startedAt;
    let runner: Runner;
    try {
      const started = this.#spares.take() ?? this.#starter.start();
      this.#starter.assign(started, { jobId, token });
      runner = { ...started, startedAt, leaving: false };
    } catch (error) {
      this.#failed(job, startedAt, `cannot be started: ${String(error)}`);
      return false;
    }
    job.runners.add(runner);
    const settled = setTimeout(() => this.#settled(job), this.#options.times.settleMs);
    void runner.process.gone.then((gone) => {
      clearTimeout(settled);
      this.#gone(job, runner, gone);
    });
    return true;
  }

  #settled(job: JobRunners): void {
    job.policy.settled();
    this.#trouble(job, null);
    this.#arrange();
  }

  #gone(job: JobRunners, runner: Runner, { reason, tail }: RunnerGone): void {
    job.runners.delete(runner);
    const known = this.#events.exited(job.jobId, runner.runnerId, { reason });
    void forgetExit(this.#options.dir, runner.runnerId, known);
    if (!runner.leaving) this.#failed(job, runner.startedAt, reason + (tail && `\n${tail}`));
    this.#arrange();
  }

  #failed(job: JobRunners, startedAt: number, reason: string): void {
    if (!job.policy.ended(startedAt, performance.now())) return;
    this.#trouble(job, `the job's runners do not stay up; the last one ${reason}`);
  }

  #trouble(job: JobRunners, message: string | null): void {
    if (message === job.trouble || job.wanted === undefined) return;
    job.trouble = message;
    this.#events.conditions(job.jobId, message === null ? [] : [{ type: "RunnersCannotStart", message }]);
  }
}
