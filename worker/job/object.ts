import { DurableObject } from "cloudflare:workers";
import { isHeld, loseCredentials, newJob } from "../../shared/engine/machine.ts";
import type { Attempt } from "../../shared/api/attempts.ts";
import type { JobDetail } from "../../shared/api/jobs.ts";
import type { TaskDetail, TaskStates } from "../../shared/api/tasks.ts";
import { closeCodes, pingText, pongText } from "../../shared/protocol/connection.ts";
import type { ProgramRole } from "../../shared/protocol/tasks.ts";
import { isEnded } from "../../shared/status.ts";
import {
  watchedTopic,
  type Items,
  type JobApi,
  type KeptRequest,
  type Page,
  type PageRequest,
  type Report,
  type ResumeChange,
  type TaskListRequest,
} from "../contracts.ts";
import { leaseMs } from "../durations.ts";
import type { Env } from "../env.ts";
import { EventLoop } from "../platform/event-loop.ts";
import { Outbox } from "../platform/outbox.ts";
import { signRunnerToken } from "../secrets/tokens.ts";
import { keyLost, openSecrets, replaceSecrets, seal, splitSecrets, type Secrets } from "./credentials.ts";
import { notifyOfEnd } from "./notify.ts";
import { RunnerLink } from "./runners/link.ts";
import { RunnerPeers } from "./runners/peers.ts";
import { SessionTokens } from "./runners/session-tokens.ts";
import { takeReport } from "./reports.ts";
import { resumeJob } from "./resume.ts";
import { Session, type JobParts } from "./session.ts";
import { contentOf, machineOptions, programOf, type JobSpec, type PinnedArtifact, type PinnedProgram } from "./spec.ts";
import { stopJob } from "./stop.ts";
import { JobStore } from "./store.ts";
import { describeAbsence, tellCluster } from "./targets/cluster.ts";
import { tellRegistry } from "./targets/registry.ts";
import { timeLimits } from "./time-limits.ts";
import { nextDue, runTimers } from "./timers/all.ts";
import { unwatch, watch } from "./watch.ts";
import { viewAttempt, viewAttempts, viewSegments, viewTask, viewTasks } from "./task-views.ts";
import { viewEvents, viewJob, viewOutputs } from "./views.ts";
import { Watchers } from "./watchers.ts";

/**
 * One job: its tasks, attempts and leases. A durable shell around the job machine: it stores what the machine decides, in one
 * transaction with what others must be told of it, and speaks with the job's runners.
 */
export class JobObject extends DurableObject<Env> implements JobApi {
  readonly #parts: JobParts;
  readonly #loop: EventLoop;
  readonly #link: RunnerLink;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const store = new JobStore(ctx.storage);
    const outbox = new Outbox(ctx.storage.sql, async (target, version) => {
      if (target === "cluster") await tellCluster(env, store, version);
      else await tellRegistry(env, store, version);
    });
    this.#parts = {
      store,
      outbox,
      peers: new RunnerPeers(ctx),
      watchers: new Watchers(ctx),
      tokens: new SessionTokens((expires) => signRunnerToken(env, { jobId: store.job.spec().id, expires })),
      leaseMs: leaseMs(env),
      sendNotification: () => ctx.waitUntil(notifyOfEnd({ env, store, run: (event) => this.#run(event) })),
    };
    this.#loop = new EventLoop(ctx, {
      outbox,
      exists: () => store.exists(),
      nextDue: (now) => nextDue(new Session(this.#parts, now)),
      forget: () => store.forget(),
    });
    this.#link = new RunnerLink({ run: (event) => this.#run(event), secrets: () => this.#secrets() });
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pingText, pongText));
  }

  async create(spec: JobSpec, before: number): Promise<JobDetail | null> {
    const { open: request, sealed: sealedFields, secrets, notifyUrl } = splitSecrets(spec.request);
    const sealed = await seal(this.env, spec.id, secrets, notifyUrl);
    const { store } = this.#parts;
    if (!store.exists()) {
      if (Date.now() >= before) return null;
      const born = newJob({ id: spec.id, nReducers: request.nReducers, ...machineOptions(request) });
      const begin = (): Session => {
        store.create({ ...spec, request, sealedFields }, born.job);
        store.job.setSealed(sealed.secrets);
        if (sealed.notifyUrl !== null) store.notification.create(sealed.notifyUrl);
        const session = new Session(this.#parts, Date.now());
        session.apply(born);
        session.record({ kind: "job", status: born.job.status, error: null });
        session.save();
        return session;
      };
      this.#loop.run(begin);
    }
    return viewJob(store);
  }

  async describe(): Promise<JobDetail | null> {
    const { store, peers } = this.#parts;
    if (!store.exists()) return null;
    const isWaiting = !isEnded(store.job.row().status) && peers.count === 0;
    const absence = isWaiting ? await describeAbsence(this.env, store.job.spec()) : undefined;
    // It may have been erased while the cluster was asked.
    return store.exists() ? viewJob(store, absence) : null;
  }

  async request(): Promise<KeptRequest | null> {
    return this.#view(({ job }) => {
      const { request, sealedFields = [], cluster } = job.spec();
      return { request: { ...request, cluster }, sealed: [...sealedFields] };
    });
  }

  async tasks(request: TaskListRequest): Promise<Page | null> {
    return this.#view((store) => viewTasks(store, request, Date.now()));
  }

  async taskStates(): Promise<TaskStates | null> {
    return this.#view(({ taskLists }) => ({ maps: taskLists.states("map"), reduces: taskLists.states("reduce") }));
  }

  async task(taskId: string): Promise<TaskDetail | "unknown" | null> {
    return this.#view((store) => viewTask(store, taskId) ?? "unknown");
  }

  async attempts(taskId: string, request: PageRequest): Promise<Page | "unknown" | null> {
    return this.#view((store) => viewAttempts(store, taskId, request) ?? "unknown");
  }

  async attempt(taskId: string, number: number): Promise<Attempt | "unknown" | null> {
    return this.#view((store) => viewAttempt(store, taskId, number) ?? "unknown");
  }

  async segments(taskId: string, request: PageRequest): Promise<Page | "unknown" | null> {
    return this.#view((store) => viewSegments(store, taskId, request) ?? "unknown");
  }

  async outputs(request: PageRequest): Promise<Page | null> {
    return this.#view((store) => viewOutputs(store, request));
  }

  async events(after: number, limit: number): Promise<Items | null> {
    return this.#view((store) => viewEvents(store, after, limit));
  }

  async noteLog(attempt: string, bytes: number): Promise<boolean> {
    const { store } = this.#parts;
    if (!store.exists() || store.attempts.get(attempt) === undefined) return false;
    this.#run(() => store.attempts.setLogBytes(attempt, bytes));
    return true;
  }

  async stop(): Promise<"stopped" | "let-go" | "ended" | "committing" | "unknown"> {
    if (!this.#parts.store.exists()) return "unknown";
    return this.#run(stopJob);
  }

  async resume(change: ResumeChange): Promise<JobDetail | "not-held" | null> {
    const { store } = this.#parts;
    if (!store.exists()) return null;
    if (!isHeld(store.job.row())) return "not-held";
    const kept = await this.#secrets();
    if (kept === undefined) return "not-held";
    const { request, changed } = change;
    const secrets = replaceSecrets(kept, request, changed);
    const sealed = await seal(this.env, store.job.spec().id, secrets, request.notify?.url);
    // It may have been let go of, or erased, meanwhile.
    if (!store.exists()) return null;
    return this.#run((session) => resumeJob(session, change, sealed)) ? viewJob(store) : "not-held";
  }

  async program(role: ProgramRole): Promise<PinnedProgram | null> {
    const { store } = this.#parts;
    if (!store.exists() || store.job.row().released) return null;
    return programOf(store.job.spec(), role);
  }

  async content(hash: string): Promise<PinnedArtifact | null> {
    const { store } = this.#parts;
    if (!store.exists() || store.job.row().released) return null;
    return contentOf(store.job.spec(), hash);
  }

  async report(reports: readonly Report[]): Promise<boolean> {
    const { store } = this.#parts;
    if (!store.exists()) return true;
    this.#run((session) => {
      for (const report of reports) takeReport(session, report);
    });
    // Where the key is lost, the runner's token was refused.
    if (reports.some(({ kind }) => kind === "exited")) await this.#secrets();
    return !store.exists() || store.job.row().released;
  }

  async erase(): Promise<boolean> {
    const { store, outbox, peers } = this.#parts;
    if (!store.exists()) return true;
    if (!store.job.row().released || !outbox.isEmpty()) return false;
    peers.endAll();
    store.forget();
    outbox.forget();
    // Also the alarm, since compatibility date 2026-02-24 (delete_all_deletes_alarm).
    await this.ctx.storage.deleteAll();
    return true;
  }

  // ---- sockets

  /** Answers an upgrade, of a runner or of somebody who watches the job; 404 where the job was removed. */
  override async fetch(request: Request): Promise<Response> {
    const { store, peers } = this.#parts;
    if (!store.exists()) return new Response(null, { status: 404 });
    const topic = watchedTopic(request.url);
    const response = topic === undefined ? peers.accept() : watch(this.#parts, topic);
    this.#loop.settle();
    return response;
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    if (this.#parts.store.exists()) await this.#link.receive(socket, message);
    else socket.close(closeCodes.ended, "the job was removed");
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    const { store, peers, watchers } = this.#parts;
    const topic = watchers.closed(socket, code, reason);
    if (topic !== undefined) {
      unwatch(this.#parts, topic);
      return;
    }
    const peer = peers.closed(socket, code, reason);
    if (peer === undefined || !store.exists()) return;
    // It was there until now, so its own clock gives it a whole lease to come back.
    this.#run((session) => {
      const until = session.now + session.leaseMs;
      for (const { id } of store.attempts.openOf(peer.name)) store.attempts.setLease(id, until, false);
    });
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket, 1006, "");
  }

  override async alarm(): Promise<void> {
    await this.#loop.ring(async (now) => {
      const absence = this.#startIsLate(now)
        ? await describeAbsence(this.env, this.#parts.store.job.spec())
        : undefined;
      if (this.#parts.store.exists()) this.#run((session) => runTimers(session, absence));
    });
  }

  #startIsLate(now: number): boolean {
    const { job } = this.#parts.store;
    return job.row().status === "pending" && timeLimits(job.spec()).startBy <= now;
  }

  /** @returns null where there is no such job */
  #view<T>(show: (store: JobStore) => T): T | null {
    const { store } = this.#parts;
    return store.exists() ? show(store) : null;
  }

  /** Runs one event of the job. */
  #run<T>(event: (session: Session) => T): T {
    const session = new Session(this.#parts, Date.now());
    return this.#loop.run(
      () => {
        const result = event(session);
        session.save();
        return result;
      },
      () => session.sendNotices(),
    );
  }

  /** @returns undefined where they cannot be opened: the job has failed then */
  async #secrets(): Promise<Secrets | undefined> {
    const { store } = this.#parts;
    if (!store.exists()) return undefined;
    const secrets = await openSecrets(this.env, store.job.spec().id, store.job.sealed());
    if (secrets === undefined && store.exists()) {
      this.#run((session) => {
        const lost = loseCredentials(session.job, keyLost, session.now);
        if (lost !== undefined) session.apply(lost);
      });
    }
    return secrets;
  }
}
