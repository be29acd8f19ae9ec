import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import {
  abandonClean,
  claimableKind,
  explainLoss,
  fail,
  failJob,
  lose,
  loseCredentials,
  newJob,
  newTask,
  runnersWanted,
  stop,
  stragglerAge,
  touch,
  type AttemptRow,
  type Effect,
  type JobRow,
  type Loss,
  type RunnerEnd,
  type Transition,
} from "../../shared/engine/machine.ts";
import { defaultMaxLosses, maxTasks } from "../../shared/limits.ts";
import { outputUrls } from "../../shared/outputs.ts";
import { closeCodes, pingText, pongText } from "../../shared/protocol/connection.ts";
import type { ProgramRole } from "../../shared/protocol/tasks.ts";
import type { Condition, Job } from "../../shared/api/jobs.ts";
import { StorageAccessSchema } from "../../shared/api/storage-access.ts";
import { isEnded, type TaskKind } from "../../shared/status.ts";
import { leaseMs } from "../durations.ts";
import { clusterOf, registryOf, type Env } from "../env.ts";
import type { JobApi, Page, PageRequest, Report, RunnerFailure } from "../contracts.ts";
import { openCredentials, sealCredentials, UnopenableError } from "../secrets/sealed.ts";
import { signRunnerToken } from "../secrets/tokens.ts";
import type { JobSpec, PinnedProgram } from "./spec.ts";
import { JobStore } from "./store.ts";
import { jobView, shufflePath, taskView } from "./views.ts";
import { jsonPages } from "./json-pages.ts";
import { Outbox } from "../platform/outbox.ts";
import { cutOf } from "./cut.ts";
import { podsOf } from "./targets/pods.ts";
import { nextTimeLimit, timeLimits, timeUp } from "./timers/limits.ts";
import { RunnerSockets } from "./runners/sockets.ts";
import { RunnerDesk } from "./runners/desk.ts";
import { SessionTokens, startExpiry } from "./runners/session-tokens.ts";
import { nextStraggler } from "./timers/stragglers.ts";

/** How long cleaning may take after the job's end, in ms. Then the credentials are erased all the same. */
const cleanLimit = 60 * 60 * 1000;

/** What is said then, or when the cleaning has failed for good. */
const cleaningAbandoned =
  "The job's temporary objects could not all be removed; what is left of them lies under the shuffle and output folders.";

/** Failed maps that a description names, at most. */
const shownFailedMaps = 100;

/** How long a description waits to hear whether there is an agent, in ms. */
const agentPatience = 1000;

/** Why a job fails of which the credentials cannot be opened. */
const keyLost = {
  code: "KeyMissing",
  message:
    "The job was posted under a key that is neither the Worker's SECRET_KEY nor its SECRET_KEY_PREVIOUS, so that its " +
    "credentials cannot be opened. What is left of it lies under its shuffle and output folders.",
};

/** Milliseconds before another try after the alarm's own work has failed. */
const alarmRetry = 30_000;

const HeadersSchema = z.record(z.string(), z.string());

/** What a job keeps sealed. Those of older jobs have no headers. */
const SecretsSchema = z.object({
  input: StorageAccessSchema.optional(),
  output: StorageAccessSchema.optional(),
  inputHeaders: HeadersSchema.optional(),
  outputHeaders: HeadersSchema.optional(),
});
export type Secrets = z.infer<typeof SecretsSchema>;

/**
 * One job: its tasks, attempts and leases. A thin durable shell around the job machine: it stores what the machine decides,
 * in one transaction with what others must be told of it, and speaks with the job's runners.
 */
export class JobObject extends DurableObject<Env> implements JobApi {
  readonly #store: JobStore;
  readonly #sockets: RunnerSockets;
  readonly #outbox: Outbox;
  readonly #desk: RunnerDesk;
  readonly #leaseMs: number;
  /** When the alarm is set for, as far as this instance knows. */
  #armed = Number.POSITIVE_INFINITY;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#leaseMs = leaseMs(env);
    this.#store = new JobStore(ctx.storage.sql);
    this.#sockets = new RunnerSockets(ctx);
    this.#outbox = new Outbox(ctx.storage.sql, (target, version) =>
      target === "cluster" ? this.#tellCluster(version) : this.#tellRegistry(version),
    );
    this.#desk = new RunnerDesk({
      store: this.#store,
      sockets: this.#sockets,
      leaseMs: this.#leaseMs,
      apply: (transition) => this.#apply(transition),
      atomically: (change) => this.#atomically(change),
      sessions: new SessionTokens((expires) => signRunnerToken(env, { jobId: this.#store.job().id, expires })),
      secrets: () => this.#secrets(),
    });
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pingText, pongText));
  }

  /** Creates the job, unless it is too late. Idempotent. */
  async create(spec: JobSpec, before: number): Promise<Job | null> {
    const { inputStorageCredentials: input, outputStorageCredentials: output, ...open } = spec.request;
    const { inputStorageHeaders: inputHeaders, outputStorageHeaders: outputHeaders, ...request } = open;
    const secrets: Secrets = { input, output, inputHeaders, outputHeaders };
    const sealed = await sealCredentials(this.env, spec.id, JSON.stringify(secrets));
    if (!this.#store.exists()) {
      if (Date.now() >= before) return null;
      this.#atomically(() => {
        const { nReducers, parallelism = null, maxAttempts, maxFailedMapsPercent, speculation } = request;
        const born = newJob({
          id: spec.id,
          nReducers,
          parallelism,
          maxAttempts,
          maxLosses: request.maxLosses ?? defaultMaxLosses,
          maxFailedMapsPercent,
          speculation,
        });
        this.#store.create({ ...spec, request }, born.job);
        this.#store.setSealed(sealed);
        this.#apply(born);
      });
    }
    return this.describe();
  }

  async describe(): Promise<Job> {
    const row = this.#store.job();
    const waiting = !isEnded(row.status) && this.#sockets.count() === 0;
    const absent = waiting ? await this.#agentAbsent() : undefined;
    const conditions = this.#store.conditions();
    const job = this.#view(absent === undefined ? conditions : [...conditions, absent]);
    return { ...job, outputs: outputUrls({ ...job, failedMaps: row.mapOnly ? this.#store.failedMaps(maxTasks) : [] }) };
  }

  /** The tasks, newest first: reduces before maps, each kind from the highest index down. */
  async tasks(request: PageRequest): Promise<Page> {
    const spec = this.#store.spec();
    const shuffle = shufflePath(spec, this.#store.firstMapOutput());
    const start = /^([rm])-(\d+)$/.exec(request.after ?? "");
    let kind: "reduce" | "map" | undefined = start?.[1] === "m" ? "map" : "reduce";
    let below = start === null ? Number.MAX_SAFE_INTEGER : Number(start[2]);
    let last: string | null = null;
    const read = (limit: number): string[] => {
      const views: string[] = [];
      while (kind !== undefined && views.length < limit) {
        const rows = this.#store.tasksBelow(kind, below, limit - views.length);
        for (const { row, range, inputBytes } of rows) {
          views.push(JSON.stringify(taskView(spec, row, range, inputBytes, shuffle)));
          below = row.index;
          last = `${kind === "map" ? "m" : "r"}-${row.index}`;
        }
        if (views.length < limit) {
          kind = kind === "reduce" ? "map" : undefined;
          below = Number.MAX_SAFE_INTEGER;
        }
      }
      return views;
    };
    return jsonPages(request.limit, read, () => last);
  }

  async stop(): Promise<"stopped" | "ended" | "committing"> {
    const stopped = stop(this.#store.job(), Date.now());
    if (typeof stopped === "string") return stopped;
    this.#atomically(() => this.#apply(stopped));
    return "stopped";
  }

  /** The content that a runner is to run, or null when the job has no program in that role, or is over. */
  async program(role: ProgramRole): Promise<PinnedProgram | null> {
    if (!this.#store.exists() || this.#store.job().released) return null;
    return this.#store.spec().programs[role] ?? null;
  }

  /**
   * Takes in what the agent reports of the job, in this order.
   * @returns whether the job is over, and will never want a runner again
   */
  async report(reports: readonly Report[]): Promise<boolean> {
    if (!this.#store.exists()) return true;
    this.#atomically(() => {
      for (const report of reports) this.#takeReport(report);
    });
    // Where the key is lost, the runner's token was refused.
    if (reports.some(({ kind }) => kind === "exited")) await this.#secrets();
    return !this.#store.exists() || this.#store.job().released;
  }

  #takeReport(report: Report): void {
    switch (report.kind) {
      case "exited":
        this.#endRunner(report.runnerId, report);
        return;
      case "conditions": {
        const job = this.#store.job();
        // What may keep an ended job's cleaning waiting is no matter of the job; that it was given up is said in the end.
        if (isEnded(job.status) || report.seq < job.conditionsSeq) return;
        this.#store.saveJob({ ...job, conditionsSeq: report.seq });
        this.#store.setLauncherConditions(report.conditions, Date.now());
        this.#outbox.mark("registry", Date.now());
        this.#settle();
        return;
      }
      case "failed":
        this.#failJob(report.failure, Date.now());
    }
  }

  /** Ends the attempts of a runner that is gone, and explains those that were lost with it before. */
  #endRunner(runnerId: string, end: RunnerEnd): void {
    for (const attempt of this.#store.openAttemptsOf(runnerId)) {
      if (end.failure === null) this.#lose(attempt, end.reason, end.disrupted === true ? "disrupted" : "known");
      else this.#fail(attempt, end.failure);
    }
    for (const { id, kind, index } of this.#store.endedAttemptsOf(runnerId)) {
      const task = this.#store.task(kind, index);
      const explained = explainLoss(this.#store.job(), task, id, end, Date.now());
      if (explained !== undefined) this.#apply(explained);
    }
  }

  /**
   * Removes all that there is of the job.
   * @returns whether nothing of it is left, also where it was erased before; false while somebody must still be told of it
   */
  async erase(): Promise<boolean> {
    if (!this.#store.exists()) return true;
    if (!this.#store.job().released || !this.#outbox.isEmpty()) return false;
    this.#sockets.endAll();
    this.#store.forget();
    this.#outbox.forget();
    // Also the alarm, since compatibility date 2026-02-24 (delete_all_deletes_alarm).
    await this.ctx.storage.deleteAll();
    return true;
  }

  // ---- the runners' links

  /** Answers an upgrade; 404 where the job was removed. */
  override async fetch(): Promise<Response> {
    return this.#store.exists() ? this.#sockets.accept() : new Response(null, { status: 404 });
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    if (!this.#store.exists()) {
      socket.close(closeCodes.ended, "the job was removed");
      return;
    }
    await this.#desk.receive(socket, message);
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    const runnerId = this.#sockets.peer(socket)?.runnerId;
    this.#sockets.closed(socket, code, reason);
    if (runnerId === undefined || !this.#store.exists() || this.#sockets.contacts().has(runnerId)) return;
    // It was there until now, so its own clock gives it a whole lease to come back.
    const until = Date.now() + this.#leaseMs;
    for (const { id } of this.#store.openAttemptsOf(runnerId)) this.#store.setLease(id, until, false);
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket, 1006, "");
  }

  // ---- time

  override async alarm(): Promise<void> {
    this.#armed = Number.POSITIVE_INFINITY;
    if (!this.#store.exists()) return;
    try {
      const absent = this.#startIsLate() ? await this.#agentAbsent() : undefined;
      this.#atomically(() => this.#overdue(Date.now(), absent));
      const delivery = this.#outbox.deliver();
      this.#arm();
      // Not awaited: while an alarm is at work there is no other, and leases must not wait for a slow receiver.
      this.ctx.waitUntil(delivery.then(() => this.#arm()));
    } catch (error) {
      // An alarm that throws is given up by the platform after a few tries; this one never is.
      console.error("the alarm's work failed; it is tried again", error);
      this.#armed = Date.now() + alarmRetry;
      await this.ctx.storage.setAlarm(this.#armed);
    }
  }

  /** Does what time has made due. */
  #overdue(now: number, absent: Condition | undefined): void {
    this.#sweepLeases(now);
    const job = this.#store.job();
    if (job.clean === "waiting" && job.endedAt !== null && job.endedAt + cleanLimit <= now) {
      this.#apply(abandonClean(job));
      return;
    }
    if (this.#timeIsUp(job, now, absent)) return;
    const kind = claimableKind(job);
    if (kind !== undefined && this.#store.nextTask(kind, now) !== undefined) {
      this.#sockets.wake(Math.max(1, runnersWanted(job) - job.open));
    } else if ((nextStraggler(this.#store, job)?.due ?? Number.POSITIVE_INFINITY) <= now) this.#sockets.wake(1);
  }

  /** Fails the job when it has taken longer than its request allows. @returns whether it has */
  #timeIsUp(job: JobRow, now: number, absent: Condition | undefined): boolean {
    const { deadline, startBy } = timeLimits(this.#store.spec());
    if (deadline <= now) return this.#failJob(timeUp.deadline(this.#store.spec()), now);
    if (job.status !== "pending" || startBy > now) return false;
    const reason = absent ?? this.#store.conditions()[0];
    return this.#failJob(timeUp.start(this.#store.spec(), reason), now);
  }

  #startIsLate(): boolean {
    return this.#store.job().status === "pending" && timeLimits(this.#store.spec()).startBy <= Date.now();
  }

  #failJob(failure: RunnerFailure, now: number): boolean {
    const failed = failJob(this.#store.job(), failure, now);
    if (failed !== undefined) this.#apply(failed);
    return failed !== undefined;
  }

  #fail(attempt: AttemptRow, failure: RunnerFailure): void {
    const task = this.#store.task(attempt.kind, attempt.index);
    // Its runner may have begun an upload of which it could not tell.
    const { job } = touch(this.#store.job());
    this.#apply(fail(job, task, attempt, { ...failure, final: false }, Date.now()));
  }

  /** Ends the attempts whose runner has given no sign of life for a lease, and prolongs the others. */
  #sweepLeases(now: number): void {
    const overdue = this.#store.overdueAttempts(now);
    if (overdue.length === 0) return;
    const contacts = this.#sockets.contacts();
    for (const attempt of overdue) {
      const contact = contacts.get(attempt.runnerId);
      if (contact !== undefined && contact + this.#leaseMs > now) {
        this.#store.setLease(attempt.id, contact + this.#leaseMs, true);
      } else if (contact === undefined && this.#store.isLinked(attempt.id)) {
        // Its connection went down together with this object, so nobody has seen when; that is no reason to give up on it.
        this.#store.setLease(attempt.id, now + this.#leaseMs, false);
      } else this.#lose(attempt, `its runner gave no sign of life for ${this.#leaseMs / 1000} s`, "silent");
    }
  }

  #lose(attempt: AttemptRow, reason: string, loss: Loss): void {
    const task = this.#store.task(attempt.kind, attempt.index);
    this.#apply(lose(this.#store.job(), task, attempt, reason, Date.now(), loss));
  }

  /** When runners that wait for work are to be told of a straggler. Whoever asks for work later is told at once. */
  #nextSpeculation(job: JobRow, kind: TaskKind, now: number): number {
    if (stragglerAge(job) === undefined || this.#store.nextTask(kind, now) !== undefined)
      return Number.POSITIVE_INFINITY;
    const due = nextStraggler(this.#store, job)?.due ?? Number.POSITIVE_INFINITY;
    return due > now || this.#sockets.hasIdle() ? due : Number.POSITIVE_INFINITY;
  }

  /** Sets the alarm for the next thing that has to happen without being asked. */
  #arm(): void {
    if (!this.#store.exists()) return;
    const job = this.#store.job();
    const kind = claimableKind(job);
    const now = Date.now();
    const next = Math.min(
      this.#outbox.next() ?? Number.POSITIVE_INFINITY,
      this.#store.nextLeaseEnd() ?? Number.POSITIVE_INFINITY,
      job.clean === "waiting" && job.endedAt !== null ? job.endedAt + cleanLimit : Number.POSITIVE_INFINITY,
      nextTimeLimit(this.#store.spec(), job),
      // A task that is already due is claimed by whoever asks; only one that becomes due needs the alarm.
      kind === undefined ? Number.POSITIVE_INFINITY : (this.#store.nextDue(kind, now) ?? Number.POSITIVE_INFINITY),
      kind === undefined ? Number.POSITIVE_INFINITY : this.#nextSpeculation(job, kind, now),
    );
    if (next >= this.#armed || next === Number.POSITIVE_INFINITY) return;
    this.#armed = next;
    void this.ctx.storage.setAlarm(next);
  }

  // ---- the machine's shell

  /** Runs a change of which all is kept, or nothing where it throws. */
  #atomically<T>(change: () => T): T {
    try {
      return this.ctx.storage.transactionSync(change);
    } catch (error) {
      this.#store.forget();
      this.#outbox.forget();
      // An alarm that was set in there is undone as well.
      this.#armed = Number.POSITIVE_INFINITY;
      throw error;
    }
  }

  /** Stores a transition and carries out its effects; no `await` in here, so that all of it is one transaction. */
  #apply(transition: Transition): void {
    this.#store.saveJob(transition.job);
    if (transition.task !== undefined) this.#store.saveTask(transition.task);
    if (transition.attempt !== undefined) this.#store.saveAttempt(transition.attempt);
    for (const effect of transition.effects) this.#carryOut(effect, transition.job);
    // They tell what keeps its runners from working, now.
    if (isEnded(transition.job.status)) this.#store.setLauncherConditions([], Date.now());
    if (transition.job.clean === "abandoned") {
      this.#store.setCondition("CleaningAbandoned", cleaningAbandoned, Date.now());
    }
    this.#settle();
  }

  #carryOut(effect: Effect, job: JobRow): void {
    const now = Date.now();
    switch (effect.kind) {
      case "create":
        this.#createTasks(effect.tasks, effect.total, now);
        break;
      case "revoke":
        this.#sockets.revoke(this.#store.revoke(effect.task), effect.reason);
        break;
      case "stop-tasks":
        this.#store.stopTasks(now);
        break;
      case "runners":
        this.#outbox.mark("cluster", now);
        break;
      case "publish":
        this.#outbox.mark("registry", now);
        break;
      case "wake":
        this.#sockets.wake(effect.tasks);
        break;
      case "erase":
        this.#store.eraseSealed();
        if (job.released) this.#sockets.endAll();
        break;
    }
  }

  #createTasks(kind: TaskKind, total: number, now: number): void {
    if (kind === "map") {
      this.#createMaps(now);
      return;
    }
    const bytes = kind === "reduce" ? this.#store.partitionBytes(total) : undefined;
    for (let index = 0; index < total; index++) {
      this.#store.addTask(newTask(kind, index, now), bytes?.[index] ?? 0);
    }
  }

  /** Cuts what the winning plan has listed into maps. */
  #createMaps(now: number): void {
    const winner = this.#store.task("plan", 0).winner;
    if (winner === null) return;
    let index = 0;
    for (const input of cutOf(this.#store, winner).maps) this.#store.addMap(newTask("map", index++, now), input);
    this.#store.planned.forget();
  }

  /** After every change: sets the alarm and delivers what is to be told, once the transaction is through. */
  #settle(): void {
    this.#arm();
    this.ctx.waitUntil(this.#deliver());
  }

  async #deliver(): Promise<void> {
    // A microtask later the transaction that called this is through, or undone.
    await Promise.resolve();
    if (!this.#store.exists()) return;
    await this.#outbox.deliver();
    this.#arm();
  }

  async #tellCluster(version: number): Promise<void> {
    const { id: jobId } = this.#store.job();
    const token = await signRunnerToken(this.env, { jobId, expires: startExpiry(this.#store.spec(), Date.now()) });
    // Read after the wait, so that what is sent is not older than what was sent before.
    const job = this.#store.job();
    const spec = this.#store.spec();
    const cluster = clusterOf(this.env, spec.cluster);
    if (job.released) {
      await cluster.remove(job.id);
    } else {
      await cluster.want({ jobId, version, runners: runnersWanted(job), token, pods: podsOf(spec) });
    }
  }

  async #tellRegistry(version: number): Promise<void> {
    await registryOf(this.env).publish(this.#view(this.#store.conditions()), version, this.#store.job().released);
  }

  #view(conditions: Condition[]): Job {
    const row = this.#store.job();
    const failedMaps = row.maps.failed > 0 ? this.#store.failedMaps(shownFailedMaps) : [];
    return jobView(this.#store.spec(), row, this.#store.inputBytes(), failedMaps, conditions);
  }

  async #agentAbsent(): Promise<Condition | undefined> {
    const { cluster, createdAt } = this.#store.spec();
    const asked = clusterOf(this.env, cluster).agentAbsentSince();
    // A job can be described also when the cluster's object is slow or fails.
    const since = await Promise.race([asked.catch(() => null), scheduler.wait(agentPatience).then(() => null)]);
    if (since === null) return undefined;
    const message = `No agent is connected for the cluster '${cluster}'; the job goes on when one is.`;
    return { type: "NoAgent", message, since: Math.max(since, createdAt) };
  }

  /** @returns undefined where they cannot be opened: the job has failed then */
  async #secrets(): Promise<Secrets | undefined> {
    const sealed = this.#store.sealed();
    if (sealed === undefined) return {};
    try {
      return SecretsSchema.parse(JSON.parse(await openCredentials(this.env, this.#store.spec().id, sealed)));
    } catch (error) {
      if (!(error instanceof UnopenableError)) throw error;
      console.error(`the credentials of job ${this.#store.spec().id} cannot be opened: ${error.message}`);
      const lost = loseCredentials(this.#store.job(), keyLost, Date.now());
      if (lost !== undefined) this.#atomically(() => this.#apply(lost));
      return undefined;
    }
  }
}
