import {
  isHeld,
  newTask,
  type AttemptRow,
  type Effect,
  type JobRow,
  type TaskRow,
  type Transition,
} from "../../shared/engine/machine.ts";
import type { LauncherCondition } from "../../shared/protocol/agent.ts";
import { isEnded, type TaskKind } from "../../shared/status.ts";
import type { Outbox } from "../platform/outbox.ts";
import { createMaps } from "./creation.ts";
import { beginCreation } from "./cut.ts";
import { endOf, shorten } from "./events.ts";
import type { RunnerPeers } from "./runners/peers.ts";
import type { SessionTokens } from "./runners/session-tokens.ts";
import type { JobStore } from "./store.ts";
import type { NewEvent } from "./tables/journal.ts";
import type { Watchers } from "./watchers.ts";

/** How old the progress in the list of jobs may be, in ms. */
const progressAge = 5000;

/** Least time between two events that tell of the job's progress alone, in ms. */
const progressPause = 1000;

/** What is said when the cleaning has taken too long, or has failed for good. */
const cleaningAbandoned =
  "The job's temporary objects could not all be removed; what is left of them lies under the shuffle and output folders.";

/** What the events of a job work with. */
export type JobParts = {
  readonly store: JobStore;
  readonly peers: RunnerPeers;
  readonly watchers: Watchers;
  readonly outbox: Outbox;
  readonly tokens: SessionTokens;
  /** Milliseconds without a sign of life after which an attempt is lost. */
  readonly leaseMs: number;
  /** Makes the try that an event has noted, after it. */
  readonly sendNotification: () => void;
};

/**
 * One event of a job. Tasks and attempts are written through; the job's row is written once, at the end, and only after the
 * transaction is anybody told.
 */
export class Session {
  readonly now: number;
  readonly store: JobStore;
  readonly peers: RunnerPeers;
  readonly watchers: Watchers;
  readonly tokens: SessionTokens;
  readonly leaseMs: number;
  readonly sendNotification: () => void;
  readonly #outbox: Outbox;
  #job: JobRow;
  readonly #notices: (() => void)[] = [];
  /** What is to be told to those who watch the job: events, each as JSON. */
  readonly #events: string[] = [];

  constructor(parts: JobParts, now: number) {
    const { store, peers, watchers, outbox, tokens, leaseMs, sendNotification } = parts;
    this.now = now;
    this.store = store;
    this.peers = peers;
    this.watchers = watchers;
    this.tokens = tokens;
    this.leaseMs = leaseMs;
    this.sendNotification = sendNotification;
    this.#outbox = outbox;
    this.#job = store.job.row();
  }

  /** The job as this event has left it so far. */
  get job(): JobRow {
    return this.#job;
  }

  /** Stores a transition of the machine, and carries out its effects. */
  apply(transition: Transition): void {
    const before = this.#job;
    const { job, task, attempt, effects } = transition;
    this.#job = job;
    if (task !== undefined) this.store.tasks.save(task);
    if (attempt !== undefined) {
      this.store.attempts.save(attempt);
      if (attempt.end !== null) this.notify(() => this.watchers.end(attempt.id));
    }
    for (const effect of effects) this.#carryOut(effect);
    const end = endOf(transition);
    if (end !== undefined) this.record(end);
    // The agent's conditions tell what keeps its runners from working, now.
    if (isEnded(job.status) && !isEnded(before.status)) {
      this.setLauncherConditions([]);
      this.store.notification.begin(this.now);
    }
    if (isHeld(before) && isEnded(job.status) && !isHeld(job)) this.store.notification.dropUrl();
    if (job.clean === "abandoned" && before.clean !== "abandoned") {
      this.setCondition("CleaningAbandoned", cleaningAbandoned, false);
    }
    // Last: with its end, those who watch the job leave.
    if (job.status !== before.status) this.#recordStatus();
  }

  /** Keeps an event in the job's journal, and tells those who watch the job. */
  record(event: NewEvent): void {
    this.#events.push(this.store.journal.add(event, this.now));
  }

  /** @param fromLauncher whether the agent says so */
  setCondition(type: string, message: string, fromLauncher: boolean): void {
    if (this.store.conditions.set(type, message, this.now, fromLauncher)) {
      this.record({ kind: "condition", type, set: true, message: shorten(message) });
    }
  }

  /** @returns whether there was such a condition */
  dropCondition(type: string): boolean {
    const wasThere = this.store.conditions.drop(type);
    if (wasThere) this.#recordDrop(type);
    return wasThere;
  }

  /** Sets all conditions that the agent speaks of, in place of those before. */
  setLauncherConditions(conditions: readonly LauncherCondition[]): void {
    const types = conditions.map(({ type }) => type);
    for (const type of this.store.conditions.dropLauncher(types)) this.#recordDrop(type);
    for (const { type, message } of conditions) this.setCondition(type, message, true);
  }

  /** When the progress that is told next is due, in ms since 1970; undefined where the last one told everything. */
  get progressDue(): number | undefined {
    const { journal } = this.store;
    return journal.hasProgress(this.#job) ? undefined : journal.progressAt + progressPause;
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
    if ((this.progressDue ?? Infinity) <= this.now) this.#recordProgress();
    if (this.#events.length > 0) this.notify(() => this.watchers.send(this.#events));
    const before = this.store.job.row();
    if (this.#job === before) return;
    if (isEnded(this.#job.status) && !isEnded(before.status)) this.notify(() => this.watchers.end("events"));
    this.store.job.save(this.#job);
    this.#outbox.mark("registry", this.now + progressAge);
  }

  /** Sends what was to be sent, after the transaction. */
  sendNotices(): void {
    for (const notice of this.#notices) notice();
  }

  #recordStatus(): void {
    this.#recordProgress();
    const { status, error } = this.#job;
    this.record({ kind: "job", status, error });
  }

  #recordProgress(): void {
    const event = this.store.journal.addProgress(this.#job, this.now);
    if (event !== undefined) this.#events.push(event);
  }

  #recordDrop(type: string): void {
    this.record({ kind: "condition", type, set: false, message: null });
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
        // A job that is resumed goes on with it.
        if (!isHeld(this.#job)) this.store.creation.clear();
        break;
      case "restart-tasks":
        this.store.attempts.supersedeWinners(effect.completed);
        this.store.tasks.restart(effect.completed);
        if (effect.completed.includes("map")) this.store.segments.removeAll();
        break;
      case "dismiss":
        this.notify(() => this.peers.endAll());
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
          this.notify(() => {
            this.peers.endAll();
            this.watchers.endLogs();
          });
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
