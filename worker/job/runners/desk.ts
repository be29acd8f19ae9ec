import {
  assign,
  claimableKind,
  complete,
  fail,
  isCurrent,
  lose,
  loseOutput,
  outputKind,
  postpone,
  stages,
  taskIdOf,
  touch,
  type AttemptRow,
  type JobRow,
  type Loss,
  type TaskRow,
  type Transition,
} from "../../../shared/engine/machine.ts";
import { commitBatch } from "../../../shared/limits.ts";
import { closeCodes, protocolVersion } from "../../../shared/protocol/connection.ts";
import {
  RunnerRequestSchema,
  type Next,
  type RunnerAnswer,
  type RunnerRequest,
} from "../../../shared/protocol/runner.ts";
import type { Assignment, AttemptError, PendingOutput, Result } from "../../../shared/protocol/tasks.ts";
import { parseJson } from "../../../shared/json.ts";
import { isEnded } from "../../../shared/status.ts";
import type { JobStore } from "../store.ts";
import type { Secrets } from "../object.ts";
import { countMaps, cutOf, tooManyTasks } from "../cut.ts";
import type { Peer, RunnerSockets } from "./sockets.ts";
import type { SessionTokens } from "./session-tokens.ts";
import { sendJson } from "../../platform/socket.ts";
import { nextStraggler } from "../timers/stragglers.ts";

/** Segments in one answer; a reduce asks again for the rest. */
const segmentsPage = 4096;

/** Different tasks that a runner may fail without completing any in between. With so many it is more likely its own fault than theirs. */
const mostFailures = 3;

/** Uploads in one answer to a cleaning. */
const uploadsPage = 500;

type Desk = {
  readonly store: JobStore;
  readonly sockets: RunnerSockets;
  readonly leaseMs: number;
  readonly apply: (transition: Transition) => void;
  /** Runs a change of which all is kept, or nothing where it throws. */
  readonly atomically: <T>(change: () => T) => T;
  readonly sessions: SessionTokens;
  /** Undefined where they cannot be opened, which has ended the job. */
  readonly secrets: () => Promise<Secrets | undefined>;
};

type Request<Kind extends RunnerRequest["kind"]> = Extract<RunnerRequest, { kind: Kind }>;
/** Answers without the `re`, which is the same for all. */
type Reply = RunnerAnswer extends infer Answer ? (Answer extends { re: number } ? Omit<Answer, "re"> : never) : never;
type Handlers = {
  [Kind in Exclude<RunnerRequest["kind"], "hello">]: (
    request: Request<Kind>,
    peer: Peer,
    socket: WebSocket,
  ) => Reply | undefined;
};

const fenced = (reason: string): Reply => ({ kind: "fenced", reason });
const done: Reply = { kind: "done" };

/** The task with what its program said last of itself, where the attempt that says so counts. */
const withStatus = (task: TaskRow, attempt: AttemptRow, status: string | undefined): TaskRow =>
  status === undefined || attempt.status !== "live" ? task : { ...task, message: status };

/** Answers what the runners of a job ask. Every request may come twice, late, or from a runner that was given up. */
export class RunnerDesk {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async receive(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const parsed = RunnerRequestSchema.safeParse(parseJson(message));
    if (!parsed.success) {
      socket.close(closeCodes.malformed, "not a message that this Worker understands");
      return;
    }
    const request = parsed.data;
    const reply = request.kind === "hello" ? await this.#hello(request, socket) : this.#serve(request, socket);
    if (reply !== undefined) sendJson(socket, { re: request.id, ...reply });
  }

  async #hello(request: Request<"hello">, socket: WebSocket): Promise<Reply | undefined> {
    if (request.version !== protocolVersion) {
      socket.close(closeCodes.version, `the Worker speaks protocol ${protocolVersion}, the runner ${request.version}`);
      return undefined;
    }
    const { store, sockets, leaseMs } = this.#desk;
    if (!store.exists() || store.job().released) {
      socket.close(closeCodes.ended, "the job has ended");
      return undefined;
    }
    sockets.identify(socket, request.runnerId, request.podName);
    this.#closeRevoked(request.runnerId, request.attempt);
    const attempt = request.attempt === null ? undefined : store.attempt(request.attempt);
    const resume = attempt?.status === "live" && attempt.runnerId === request.runnerId;
    for (const open of store.openAttemptsOf(request.runnerId)) store.setLease(open.id, Date.now() + leaseMs, true);
    // What was revoked while the runner was away, it hears now. It answers by giving the attempt back.
    if (attempt?.status === "revoked") sockets.revoke([attempt], "the attempt was ended while the runner was away");
    const { id, request: job, programs } = store.spec();
    // All is decided by now: while this waits, other messages are served.
    const session = await this.#desk.sessions.first(Date.now());
    const secrets = await this.#desk.secrets();
    if (secrets === undefined) return undefined;
    return {
      kind: "welcome",
      session,
      leaseSeconds: leaseMs / 1000,
      resume: resume || attempt?.status === "revoked",
      job: {
        jobId: id,
        input: {
          path: job.inputPath,
          credentials: secrets.input,
          headers: secrets.inputHeaders,
          compression: job.inputCompression,
        },
        output: { path: job.outputPath, credentials: secrets.output, headers: secrets.outputHeaders },
        useSSL: job.useSSL,
        s3Endpoint: job.s3Endpoint,
        nReducers: job.nReducers,
        taskTimeoutSeconds: job.taskTimeoutSeconds,
        programs,
      },
    };
  }

  #serve(request: Exclude<RunnerRequest, { kind: "hello" }>, socket: WebSocket): Reply | undefined {
    const { atomically } = this.#desk;
    try {
      return atomically(() => this.#answer(request, socket));
    } catch (error) {
      console.error(`'${request.kind}' could not be served`, error);
      return atomically(() => this.#unserved(request));
    }
  }

  /** A defect must not leave the job waiting for ever: the attempt for which a request cannot be served has failed. */
  #unserved(request: Exclude<RunnerRequest, { kind: "hello" }>): Reply {
    const message = `the Worker could not serve '${request.kind}'`;
    if (!("attempt" in request)) return { kind: "error", message };
    const error: AttemptError = { code: "InternalError", message, final: false };
    this.#open(request.attempt, (attempt, task) => this.#failed(attempt, task, error));
    return fenced(message);
  }

  #answer(request: Exclude<RunnerRequest, { kind: "hello" }>, socket: WebSocket): Reply | undefined {
    const peer = this.#desk.sockets.peer(socket);
    if (peer === undefined) {
      socket.close(closeCodes.malformed, "the first message must be hello");
      return undefined;
    }
    // The union of handlers takes the union of requests only pair by pair, which the type system cannot see.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    const handle = this.#handlers[request.kind] as (
      request: RunnerRequest,
      peer: Peer,
      socket: WebSocket,
    ) => Reply | undefined;
    return handle(request, peer, socket);
  }

  readonly #handlers: Handlers = {
    claim: (_request, peer, socket) => this.#next(peer, socket),

    progress: ({ attempt: id, counters, status }) =>
      this.#live(id, (_attempt, task) => {
        this.#desk.store.saveTask({ ...task, counters, message: status });
        return done;
      }),

    upload: ({ attempt: id, path, uploadId }) => {
      // Also for an attempt that was given up meanwhile: the upload is there, and must be aborted.
      const status = this.#desk.store.attempt(id)?.status;
      if (status !== undefined && status !== "won") {
        this.#desk.store.addUpload(id, path, uploadId);
        this.#apply(touch(this.#desk.store.job()));
      }
      return this.#live(id, () => done);
    },

    planned: ({ attempt: id, page, objects }) =>
      this.#live(id, () => {
        this.#desk.store.planned.save(id, page, objects);
        return done;
      }),

    segments: ({ attempt: id, from }) =>
      this.#live(id, (attempt, task) => {
        const found = this.#desk.store.segments(attempt.index, from, segmentsPage);
        if (found === undefined) {
          this.#apply(lose(this.#desk.store.job(), task, attempt, "a map output that it needs was lost", Date.now()));
          return fenced("a map output that it needs was lost");
        }
        return { kind: "segments", segments: found.segments, nextFrom: found.next };
      }),

    uploads: ({ attempt: id, after }) =>
      this.#live(id, () => {
        const uploads = this.#desk.store.uploads(after, uploadsPage);
        const last = uploads.length < uploadsPage ? null : (uploads.at(-1)?.id ?? null);
        this.#desk.store.handUploads(after, last ?? Number.MAX_SAFE_INTEGER, id);
        return { kind: "uploads", uploads: uploads.map(({ path, uploadId }) => ({ path, uploadId })), nextAfter: last };
      }),

    complete: (request, peer, socket) => {
      const attempt = this.#desk.store.attempt(request.attempt);
      // A repetition of what was accepted before: the answer was lost, so it gets the same one.
      if (attempt?.status !== "won") {
        const refused = this.#open(request.attempt, (open, task) => this.#completed(request, open, task));
        if (refused !== undefined) return refused;
        this.#desk.sockets.noteOutcome(socket, null);
      }
      return this.#next(peer, socket);
    },

    fail: ({ attempt: id, error, status }, peer, socket) =>
      this.#open(id, (attempt, task) => {
        this.#failed(attempt, withStatus(task, attempt, status), error);
        this.#desk.sockets.noteOutcome(socket, `${task.kind} ${task.index}`);
      }) ?? this.#next(peer, socket),

    "shuffle-lost": ({ attempt: id, map, mapAttempt, message }, peer, socket) =>
      this.#open(id, (attempt, task) => {
        const { store } = this.#desk;
        if (isCurrent(attempt, task)) {
          const lost = loseOutput(store.job(), store.task("map", map), mapAttempt, message, Date.now());
          if (lost !== undefined) this.#apply(lost);
        }
        this.#given(id, `the output of ${taskIdOf(store.job().id, "map", map)} could not be read: ${message}`);
      }) ?? this.#next(peer, socket),

    release: ({ attempt: id, reason, ending = false, pauseSeconds }) =>
      this.#open(id, (attempt, task) => {
        if (pauseSeconds === undefined) this.#given(id, reason, ending ? "ending" : "known");
        else this.#apply(postpone(this.#desk.store.job(), task, attempt, reason, pauseSeconds * 1000, Date.now()));
      }) ?? done,
  };

  #apply(transition: Transition): void {
    this.#desk.apply(transition);
  }

  /** For what only a live attempt may ask. */
  #live(id: string, then: (attempt: AttemptRow, task: TaskRow) => Reply): Reply {
    const attempt = this.#desk.store.attempt(id);
    if (attempt?.status !== "live") return fenced("the attempt was given up");
    return then(attempt, this.#desk.store.task(attempt.kind, attempt.index));
  }

  /** For what ends an attempt. @returns a refusal when it is not open */
  #open(id: string, then: (attempt: AttemptRow, task: TaskRow) => void): Reply | undefined {
    const attempt = this.#desk.store.attempt(id);
    if (attempt?.status !== "live" && attempt?.status !== "revoked") return fenced("the attempt was given up");
    then(attempt, this.#desk.store.task(attempt.kind, attempt.index));
    return undefined;
  }

  /** The attempt is over without a result. What happened just before may have closed it already. */
  #given(id: string, reason: string, loss: Loss = "known"): void {
    this.#open(id, (attempt, task) =>
      this.#apply(lose(this.#desk.store.job(), task, attempt, reason, Date.now(), loss)),
    );
  }

  #failed(attempt: AttemptRow, task: TaskRow, error: AttemptError): void {
    this.#apply(fail(this.#desk.store.job(), task, attempt, error, Date.now()));
  }

  #completed({ result, counters, status }: Request<"complete">, attempt: AttemptRow, task: TaskRow): void {
    const { store } = this.#desk;
    if (!isCurrent(attempt, task)) {
      this.#given(attempt.id, "another attempt was first");
      return;
    }
    const misfit = this.#misfit(task, result);
    if (misfit !== undefined) {
      this.#failed(attempt, task, { code: "InvalidResult", message: misfit, final: false });
      return;
    }
    let maps = 0;
    switch (result.kind) {
      case "plan": {
        const cut = cutOf(store, attempt.id);
        maps = countMaps(cut);
        const message = tooManyTasks(cut, maps, store.job().nReducers);
        if (message !== undefined) {
          this.#failed(attempt, task, { code: "TooManyTasks", message, final: true });
          return;
        }
        store.setInputBytes(cut.bytes);
        break;
      }
      case "map": {
        const { path, lengths, largestBlock } = result.shuffle;
        store.saveOutput("map", task.index, { path, largestBlock }, lengths);
        break;
      }
      case "output": {
        const { path, uploadId, tags } = result.output;
        store.saveOutput(task.kind, task.index, { path, uploadId, tags });
        break;
      }
      case "done":
        if (task.kind === "commit") {
          const outputs = this.#batch(task.index);
          const lost = outputs.filter(({ index }) => result.lost.includes(index));
          for (const output of lost) this.#outputLost(output);
          if (result.lost.length > 0) {
            this.#given(attempt.id, "uploads were lost before their commit");
            return;
          }
          for (const { attempt: of, path, uploadId } of outputs) store.forgetUpload(of, path, uploadId);
        } else if (task.kind === "clean" && store.hasOtherUploads(attempt.id)) {
          this.#given(attempt.id, "a runner that was away has told of an upload meanwhile");
          return;
        }
        break;
    }
    const transition = complete(store.job(), withStatus(task, attempt, status), attempt, counters, Date.now(), maps);
    if (transition !== undefined) this.#apply(transition);
  }

  /** Why a result cannot be this task's, or undefined when it can. */
  #misfit({ kind, index }: TaskRow, result: Result): string | undefined {
    const job = this.#desk.store.job();
    const { id, nReducers } = job;
    const expected = stages[kind].result(job);
    if (result.kind !== expected) return `${taskIdOf(id, kind, index)} ended with '${result.kind}', not '${expected}'`;
    if (result.kind === "map" && result.shuffle.lengths.length !== nReducers) {
      return `the map output has ${result.shuffle.lengths.length} segments, not ${nReducers}`;
    }
    return undefined;
  }

  #outputLost({ index, attempt, path }: PendingOutput): void {
    const { store } = this.#desk;
    const kind = outputKind(store.job());
    const lost = loseOutput(store.job(), store.task(kind, index), attempt, `the store has lost ${path}`, Date.now());
    if (lost !== undefined) this.#apply(lost);
  }

  /** A runner that is at another attempt, or asks for one, has ended those that were revoked, though it may not have said so. */
  #closeRevoked(runnerId: string, at: string | null): void {
    for (const { id, status } of this.#desk.store.openAttemptsOf(runnerId)) {
      if (status === "revoked" && id !== at) this.#given(id, "it was revoked");
    }
  }

  /** What the runner does next: the attempt that it has open, or else a new one. A runner that cannot do its work is sent away. */
  #next(peer: Peer, socket: WebSocket): Reply | undefined {
    const failed = this.#desk.sockets.peer(socket)?.failed ?? [];
    if (failed.length >= mostFailures && !isEnded(this.#desk.store.job().status)) {
      socket.close(closeCodes.retired, `it has failed ${failed.length} different tasks and completed none since`);
      return undefined;
    }
    const next = this.#claim(peer);
    this.#desk.sockets.setIdle(socket, next.next === "idle");
    const now = Date.now();
    const session = this.#desk.sessions.next(peer.renewed, now);
    if (session !== undefined) this.#desk.sockets.setRenewed(socket, now);
    return { kind: "next", next, session };
  }

  #claim(peer: Peer): Next {
    const { store, leaseMs } = this.#desk;
    const now = Date.now();
    this.#closeRevoked(peer.runnerId, null);
    const open = store.openAttemptsOf(peer.runnerId).find(({ status }) => status === "live");
    if (open !== undefined) return { next: "task", task: this.#assignment(open) };
    const job = store.job();
    if (job.released) return { next: "stop", reason: "the job has ended" };
    const kind = claimableKind(job);
    const task = kind === undefined ? undefined : (store.nextTask(kind, now) ?? this.#straggler(job, now));
    if (task === undefined) return { next: "idle" };
    const assigned = assign(job, task, { id: peer.runnerId, podName: peer.podName }, now);
    store.addAttempt(assigned.attempt, now + leaseMs);
    this.#apply(assigned);
    return { next: "task", task: this.#assignment(assigned.attempt) };
  }

  /** A task of the phase that takes so long that it is given to a second runner. */
  #straggler(job: JobRow, now: number): TaskRow | undefined {
    const { store } = this.#desk;
    const straggler = nextStraggler(store, job);
    return straggler === undefined || straggler.due > now ? undefined : store.task(straggler.kind, straggler.index);
  }

  #assignment({ id, kind, index }: AttemptRow): Assignment {
    const { store } = this.#desk;
    const job = store.job();
    const common = { taskId: taskIdOf(job.id, kind, index), attempt: id, index };
    switch (kind) {
      case "map":
        return { kind, ...common, input: store.input(index) };
      case "commit":
        return { kind, ...common, outputs: this.#batch(index) };
      case "clean":
        return { kind, ...common, removeOutputs: job.status !== "completed" };
      case "plan":
      case "reduce":
      case "success":
        return { kind, ...common };
    }
  }

  /** The outputs that a commit task makes visible. */
  #batch(index: number): PendingOutput[] {
    const { store } = this.#desk;
    const kind = outputKind(store.job());
    return store
      .outputs(kind, index * commitBatch, (index + 1) * commitBatch)
      .map(({ index: of, winner, output: { path, uploadId = "", tags = [] } }) => ({
        index: of,
        attempt: winner,
        path,
        uploadId,
        tags,
      }));
  }
}
