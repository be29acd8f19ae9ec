import {
  newTask,
  type AttemptRow,
  type Effect,
  type JobRow,
  type TaskRow,
  type Transition,
} from "../../shared/engine/machine.ts";
import { isEnded, type TaskKind } from "../../shared/status.ts";
import type { Outbox } from "../platform/outbox.ts";
import { createMaps } from "./creation.ts";
import { beginCreation } from "./cut.ts";
import type { RunnerPeers } from "./runners/peers.ts";
import type { SessionTokens } from "./runners/session-tokens.ts";
import type { JobStore } from "./store.ts";

/** How old the progress in the list of jobs may be, in ms. */
const progressAge = 5000;

/** What is said when the cleaning has taken too long, or has failed for good. */
const cleaningAbandoned =
  "The job's temporary objects could not all be removed; what is left of them lies under the shuffle and output folders.";

/** What the events of a job work with. */
export type JobParts = {
  readonly store: JobStore;
  readonly peers: RunnerPeers;
  readonly outbox: Outbox;
  readonly tokens: SessionTokens;
  /** Milliseconds without a sign of life after which an attempt is lost. */
  readonly leaseMs: number;
};

/**
 * One event of a job. Tasks and attempts are written through; the job's row is written once, at the end, and only after the
 * transaction is anybody told.
 */
export class Session {
  readonly now: number;
  readonly store: JobStore;
  readonly peers: RunnerPeers;
  readonly tokens: SessionTokens;
  readonly leaseMs: number;
  readonly #outbox: Outbox;
  #job: JobRow;
  readonly #notices: (() => void)[] = [];

  constructor({ store, peers, outbox, tokens, leaseMs }: JobParts, now: number) {
    this.now = now;
    this.store = store;
    this.peers = peers;
    this.tokens = tokens;
    this.leaseMs = leaseMs;
    this.#outbox = outbox;
    this.#job = store.job.row();
  }

  /** The job as this event has left it so far. */
  get job(): JobRow {
    return this.#job;
  }

  /** Stores a transition of the machine, and carries out its effects. */
  apply(transition: Transition): void {
    const hasEnded = isEnded(transition.job.status) && !isEnded(this.#job.status);
    const isAbandoned = transition.job.clean === "abandoned" && this.#job.clean !== "abandoned";
    this.#job = transition.job;
    if (transition.task !== undefined) this.store.tasks.save(transition.task);
    if (transition.attempt !== undefined) this.store.attempts.save(transition.attempt);
    for (const effect of transition.effects) this.#carryOut(effect);
    if (hasEnded) {
      // The agent's conditions tell what keeps its runners from working, now.
      this.store.conditions.setLauncher([], this.now);
      this.store.notification.begin(this.now);
    }
    if (isAbandoned) this.store.conditions.set("CleaningAbandoned", cleaningAbandoned, this.now);
  }

  /** Has the Registry told of what changed outside of the job's row. */
  publish(): void {
    this.#outbox.mark("registry", this.now);
  }

  /** Has something sent once the event is through. */
  notify(notice: () => void): void {
    this.#notices.push(notice);
  }

  /** Ends the event, within its transaction. */
  save(): void {
    if (this.#job === this.store.job.row()) return;
    this.store.job.save(this.#job);
    this.#outbox.mark("registry", this.now + progressAge);
  }

  /** Sends what was to be sent, after the transaction. */
  sendNotices(): void {
    for (const notice of this.#notices) notice();
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "create":
        this.#create(effect.tasks, effect.total);
        break;
      case "revoke":
        this.#revoke(effect.task, effect.reason);
        break;
      case "stop-tasks":
        this.store.tasks.stopAll(this.now);
        this.store.creation.clear();
        break;
      case "runners":
        this.#outbox.mark("cluster", this.now);
        break;
      case "publish":
        this.publish();
        break;
      case "wake":
        this.notify(() => this.peers.wake(effect.tasks));
        break;
      case "erase":
        this.store.job.eraseSealed();
        if (this.#job.released) {
          this.store.deleteWork();
          this.notify(() => this.peers.endAll());
        }
        break;
    }
  }

  /** Tasks are created at once, but for maps, of which there may be more than one event has time for. */
  #create(kind: TaskKind, total: number): void {
    const plan = kind === "map" ? this.store.tasks.get("plan", 0).winner : null;
    if (plan !== null) {
      this.store.creation.set(beginCreation(plan));
      createMaps(this.store, this.now);
    } else if (total > 0) this.store.tasks.addAll(newTask(kind, 0, this.now), total);
  }

  #revoke(task: Extract<Effect, { kind: "revoke" }>["task"], reason: string): void {
    const attempts = this.store.attempts.revoke(task);
    this.notify(() => this.peers.revoke(attempts, reason));
  }
}

/** The task with what its program said last of itself, where the attempt that says so counts. */
export const withStatus = (task: TaskRow, attempt: AttemptRow, status: string | undefined): TaskRow =>
  status === undefined || attempt.status !== "live" ? task : { ...task, message: status };
