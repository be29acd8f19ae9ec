import { closeCodes } from "../../shared/protocol/connection.ts";
import { protocolVersion } from "../../shared/protocol/versions.ts";
import {
  RunnerAnswerSchema,
  RunnerNoticeSchema,
  type Next,
  type RunnerAnswer,
  type RunnerNotice,
  type RunnerRequest,
} from "../../shared/protocol/runner.ts";
import type { Assignment, Result } from "../../shared/protocol/tasks.ts";
import type { CountersSnapshot } from "../../shared/counters.ts";
import { readMessage } from "./answers.ts";
import type { Event } from "./clock.ts";
import { Connection } from "./connection.ts";
import type { SimulatedJob } from "./job.ts";
import { addressOf, attemptsMap } from "./places.ts";
import type { World } from "./world.ts";

type Unnumbered<Request> = Request extends unknown ? Omit<Request, "id"> : never;
type Task<Kind extends Assignment["kind"]> = Extract<Assignment, { kind: Kind }>;

/** The attempt no longer belongs to the runner. */
class Ended extends Error {}
/** The task has failed through its own fault. */
class Failed extends Error {
  readonly final: boolean;

  constructor(message: string, final: boolean) {
    super(message);
    this.final = final;
  }
}
class ShuffleLost extends Error {
  readonly map: number;
  readonly mapAttempt: string;

  constructor(map: number, mapAttempt: string) {
    super("no such object");
    this.map = map;
    this.mapAttempt = mapAttempt;
  }
}

/** As in the real runner: the interval at which an idle one asks again, in ms, and the part of a lease that it uses. */
const idleMs = 15_000;
const usableLease = 0.9;

/** The longest time, in ms, from the end of a lease until the job's object handles it, even if it dies in doing so. */
const slowestAlarm = 10_000;

/** The records that a task counts, chosen so that sums can be told apart. */
export const recordsOf = (kind: "map" | "reduce", index: number): number =>
  kind === "map" ? index + 1 : 1000 * (index + 1);

/**
 * A runner as the job sees it, with its link, its lease watch and its tasks; it can be stopped, cut off and killed at any
 * moment.
 */
export class SimulatedRunner {
  readonly id: string;
  isAlive = true;
  /** The attempt that it is running, as far as it knows. */
  attempt: { readonly id: string; ended: string | undefined } | undefined;
  readonly #job: SimulatedJob;
  readonly #world: World;
  readonly #onExit: (reason: string) => void;
  readonly #pending = new Map<number, { readonly text: string; readonly resolve: (answer: RunnerAnswer) => void }>();
  #nextId = 1;
  #hello = 0;
  #helloAt = 0;
  #isWelcome = false;
  #connection: Connection | undefined;
  /** When it last knew that the job had heard from it, over earlier connections. */
  #lastContact: number;
  #leaseWatch: Event | undefined;
  /** While above 0, it does not check the clock. */
  #clockStops = 0;
  #awayUntil = 0;
  #isDraining = false;
  #isTold = false;
  #isWoken = false;
  #wake: (() => void) | undefined;
  /** What a stopped process handles only after it continues. */
  #held: (() => void)[] | undefined;

  constructor(id: string, job: SimulatedJob, onExit: (reason: string) => void) {
    const { world } = job;
    this.id = id;
    this.#job = job;
    this.#world = world;
    this.#onExit = onExit;
    this.#lastContact = world.clock.now;
    this.#dial();
    void this.#live();
  }

  get isStopped(): boolean {
    return this.#held !== undefined;
  }

  /** Whether it is running an attempt, and would still report it. */
  worksOn(attempt: string): boolean {
    return (
      this.isAlive &&
      !this.isStopped &&
      this.#clockStops === 0 &&
      this.attempt?.id === attempt &&
      this.attempt.ended === undefined
    );
  }

  drain(): void {
    this.#isDraining = true;
    this.#wake?.();
  }

  /** As with SIGTERM: it releases its attempt and ends. */
  quit(): void {
    this.drain();
    this.#isTold = true;
    this.#end("the runner was told to end");
  }

  /** As with SIGKILL, or the loss of its machine. */
  kill(): void {
    this.#exit("it was killed");
  }

  /** As with SIGSTOP, until `resume`. */
  stop(): void {
    this.#held ??= [];
    this.#connection?.pausePings();
  }

  /**
   * @param late for how many ms it does not notice that time has passed, like a suspended machine
   * @param ms how long it was stopped
   */
  resume(late: number, ms: number): void {
    // One lease, and another if the job's object has lost all connections meanwhile.
    if (ms > 2 * this.#world.leaseMs + slowestAlarm && this.attempt !== undefined) {
      this.#job.checks.mustBeOver(this.attempt.id);
    }
    const held = this.#held ?? [];
    this.#held = undefined;
    if (late > 0) {
      this.#clockStops++;
      this.#world.clock.after(late, () => {
        this.#clockStops--;
        this.#watchLease();
      });
    }
    this.#watchLease();
    for (const event of held) if (this.isAlive) event();
    this.#watchLease();
    this.#connection?.resumePings();
  }

  /** @param away for how many ms it cannot reconnect, like a machine that is cut off */
  cut(away: number): void {
    this.#awayUntil = this.#world.clock.now + away;
    this.#connection?.cut();
    this.#watchLease();
  }

  #exit(reason: string): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#world.clock.cancel(this.#leaseWatch);
    this.#connection?.peerDied();
    this.#onExit(reason);
  }

  /** Runs the callback while the process is running: later if it is stopped, never if it is dead. */
  #running(event: () => void): void {
    if (!this.isAlive) return;
    if (this.#held !== undefined) this.#held.push(() => this.#running(event));
    else event();
  }

  /** What the process waits for; it arrives only while the process is running. */
  async #arrival<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.#running(() => resolve(value)),
        (error: unknown) => this.#running(() => reject(error)),
      );
    });
  }

  // ---- the link

  #dial(): void {
    const { clock, random } = this.#world;
    clock.after(random.between(1, 100), () =>
      this.#running(() => {
        if (this.#world.isUnreachable || clock.now < this.#awayUntil) {
          this.#redial();
          return;
        }
        this.#isWelcome = false;
        this.#connection = new Connection(
          this.#job.host,
          {
            onText: (text) => this.#running(() => this.#receive(text)),
            onClose: (code) => this.#running(() => this.#closed(code)),
          },
          this.#world.wires,
        );
        this.#hello = this.#nextId++;
        this.#helloAt = clock.now;
        const hello: RunnerRequest = {
          kind: "hello",
          id: this.#hello,
          version: protocolVersion,
          runnerId: this.id,
          podName: this.id,
          attempt: this.attempt?.id ?? null,
          features: [],
        };
        this.#connection.send(JSON.stringify(hello));
      }),
    );
  }

  #redial(): void {
    this.#world.clock.after(this.#world.random.between(50, 3000), () => this.#dial());
  }

  #receive(text: string): void {
    const message = readMessage(text, { answer: RunnerAnswerSchema, notice: RunnerNoticeSchema });
    if ("notice" in message) this.#noticed(message.notice);
    else if (message.answer.re === this.#hello) this.#welcomed(message.answer);
    else {
      this.#pending.get(message.answer.re)?.resolve(message.answer);
      this.#pending.delete(message.answer.re);
    }
  }

  #noticed(notice: RunnerNotice): void {
    if (notice.kind === "wake") {
      this.#isWoken = true;
      this.#wake?.();
    } else if (notice.kind === "revoke" && notice.attempt === this.attempt?.id) this.#end(notice.reason);
  }

  #welcomed(answer: RunnerAnswer): void {
    if (answer.kind !== "welcome") throw new Error(`${answer.kind} is no welcome`);
    this.#isWelcome = true;
    this.#lastContact = Math.max(this.#lastContact, this.#helloAt);
    if (!answer.resume) this.#end("given up while it was away");
    for (const { text } of this.#pending.values()) this.#connection?.send(text);
    this.#watchLease();
  }

  #closed(code: number): void {
    this.#noteContact();
    this.#isWelcome = false;
    this.#connection = undefined;
    if (code === closeCodes.ended) this.#exit("its job has ended");
    else if (code >= 4000) this.#exit(`it was sent away with ${code}`);
    else this.#redial();
    this.#watchLease();
  }

  async #request(request: Unnumbered<RunnerRequest>): Promise<RunnerAnswer> {
    const id = this.#nextId++;
    const text = JSON.stringify({ id, ...request });
    const answered = Promise.withResolvers<RunnerAnswer>();
    this.#pending.set(id, { text, resolve: answered.resolve });
    if (this.#isWelcome) this.#connection?.send(text);
    return answered.promise;
  }

  /** Pings count once the object knows whose they are. */
  #noteContact(): void {
    if (this.#isWelcome) this.#lastContact = Math.max(this.#lastContact, this.#connection?.lastPingAt() ?? 0);
  }

  /** Ends the attempt when the job cannot have heard from this runner for a lease. */
  #watchLease(): void {
    const { clock, leaseMs } = this.#world;
    clock.cancel(this.#leaseWatch);
    if (!this.isAlive || this.#clockStops > 0) return;
    const left = this.#leaseLeft();
    if (left < 0) this.#end("the Worker could not be reached for a lease");
    // An attempt that started without contact is checked a little later.
    if (left >= 0 || this.attempt?.ended === undefined)
      this.#leaseWatch = clock.after(Math.max(left + 1, leaseMs / 30), () => this.#running(() => this.#watchLease()));
  }

  #leaseLeft(): number {
    this.#noteContact();
    return this.#lastContact + usableLease * this.#world.leaseMs - this.#world.clock.now;
  }

  #end(reason: string): void {
    if (this.attempt !== undefined) this.attempt.ended ??= reason;
  }

  // ---- the work

  async #live(): Promise<void> {
    let next = await this.#claim();
    while (next.next !== "stop") {
      if (next.next === "task") next = await this.#perform(next.task);
      else {
        if (this.#isDraining) break;
        await this.#idle();
        if (!this.#isDraining) next = await this.#claim();
      }
    }
    this.#exit(next.next === "stop" ? next.reason : "it was drained");
  }

  async #claim(): Promise<Next> {
    // Without contact, a claimed attempt would end as soon as it starts.
    while (this.#leaseLeft() < 0 && !this.#isDraining) {
      await this.#arrival(this.#world.clock.sleep(this.#world.leaseMs / 30));
    }
    this.#isWoken = false;
    const answer = await this.#request({ kind: "claim" });
    return answer.kind === "next" ? answer.next : { next: "idle" };
  }

  async #idle(): Promise<void> {
    if (this.#isWoken) return;
    const woken = Promise.withResolvers<void>();
    this.#wake = woken.resolve;
    const timer = this.#world.clock.after(idleMs, () => this.#running(woken.resolve));
    await woken.promise;
    this.#world.clock.cancel(timer);
    this.#wake = undefined;
  }

  async #perform(task: Assignment): Promise<Next> {
    this.#isWoken = false;
    const attempt: { id: string; ended: string | undefined } = { id: task.attempt, ended: undefined };
    this.attempt = attempt;
    this.#watchLease();
    const report = await this.#outcome(task);
    this.attempt = undefined;
    const answer = await this.#request(report);
    if (answer.kind !== "next") return this.#isDraining ? { next: "idle" } : this.#claim();
    if (!this.#isDraining || answer.next.next !== "task") return answer.next;
    await this.#request({ kind: "release", attempt: answer.next.task.attempt, reason: "no longer needed" });
    return { next: "idle" };
  }

  async #outcome(task: Assignment): Promise<Unnumbered<RunnerRequest>> {
    const { attempt } = task;
    try {
      return { kind: "complete", attempt, result: await this.#execute(task), counters: countersOf(task) };
    } catch (error) {
      if (error instanceof Failed) {
        return { kind: "fail", attempt, error: { code: "Broken", message: error.message, final: error.final } };
      }
      if (error instanceof ShuffleLost) {
        return { kind: "shuffle-lost", attempt, map: error.map, mapAttempt: error.mapAttempt, message: error.message };
      }
      if (error instanceof Ended) return { kind: "release", attempt, reason: error.message, ending: this.#isTold };
      throw error;
    }
  }

  async #execute(task: Assignment): Promise<Result> {
    await this.#work(task);
    switch (task.kind) {
      case "plan":
        return this.#plan(task);
      case "map":
        return this.#job.options.reducers === 0
          ? this.#output(task, [task.index], `part-m-${task.index}`)
          : this.#map(task);
      case "reduce":
        return this.#output(task, await this.#gather(task), `part-r-${task.index}`);
      case "commit":
        return this.#commit(task);
      case "success":
        await this.#store(() => this.#job.succeed(task.attempt));
        return { kind: "done", lost: [] };
      case "clean":
        return this.#clean(task);
    }
  }

  /** Spends time on a task, and can fail at it. */
  async #work(task: Assignment): Promise<void> {
    const { clock, random } = this.#world;
    const steps = 1 + random.int(0, 2);
    for (let step = 0; step < steps; step++) {
      await this.#arrival(clock.sleep(this.#job.effort(task)));
      this.#check();
      if (random.chance(0.3)) {
        await this.#ask({
          kind: "progress",
          attempt: task.attempt,
          counters: countersOf(task),
          status: `step ${step}`,
        });
      }
    }
    if (this.#job.isDeadly(task)) this.kill();
    this.#check();
    const failure = this.#job.failureOf(task);
    if (failure !== undefined) throw new Failed(failure.message, failure.final);
  }

  async #plan(task: Task<"plan">): Promise<Result> {
    const probe = `${this.#job.folders.output}_SUCCESS`;
    const uploadId = await this.#createUpload(task.attempt, probe, []);
    await this.#store(() => this.#world.store.abortUpload(uploadId));
    const objects = Array.from({ length: this.#job.options.maps }, (_, i) => ({
      path: addressOf(`input/${i}`),
      size: 100,
      etag: "e",
    }));
    const half = objects.length >> 1;
    for (const [page, some] of [objects.slice(0, half), objects.slice(half)].entries()) {
      await this.#ask({ kind: "planned", attempt: task.attempt, page, objects: some });
    }
    return { kind: "plan" };
  }

  async #map(task: Task<"map">): Promise<Result> {
    const path = `${this.#job.folders.shuffle}${task.attempt}`;
    if (this.#world.random.chance(0.5)) {
      const uploadId = await this.#createUpload(task.attempt, path, [task.index]);
      await this.#store(() => this.#world.store.completeUpload(path, uploadId, task.attempt));
    } else await this.#store(() => this.#world.store.put(path, [task.index], task.attempt));
    const lengths = Array.from({ length: this.#job.options.reducers }, () => 10);
    return { kind: "map", shuffle: { path, lengths, largestBlock: 10 } };
  }

  /** Reads a partition's segment of every map's output. */
  async #gather(task: Task<"reduce">): Promise<number[]> {
    const content: number[] = [];
    for (let from: number | null = 0; from !== null;) {
      const answer: RunnerAnswer = await this.#ask({ kind: "segments", attempt: task.attempt, from });
      if (answer.kind !== "segments") throw new Error(`${answer.kind} instead of segments`);
      for (const { map, attempt, path } of answer.segments) {
        const found = await this.#store(() => this.#world.store.objects.get(path));
        if (found === undefined) throw new ShuffleLost(map, attempt);
        content.push(...found.content);
      }
      from = answer.nextFrom;
    }
    this.#job.checks.gathered(content);
    return content;
  }

  async #output(task: Assignment, content: readonly number[], name: string): Promise<Result> {
    const path = `${this.#job.folders.output}${name}`;
    const uploadId = await this.#createUpload(task.attempt, path, content);
    return { kind: "output", output: { path, uploadId, tags: ["t"], size: content.length } };
  }

  async #commit({ outputs }: Task<"commit">): Promise<Result> {
    const lost: number[] = [];
    for (const { index, path, uploadId, attempt } of outputs) {
      const outcome = await this.#store(() => this.#job.commit(path, uploadId, attempt));
      if (outcome === "lost") lost.push(index);
    }
    return { kind: "done", lost };
  }

  async #clean(task: Task<"clean">): Promise<Result> {
    for (let after: number | null = 0; after !== null;) {
      const answer: RunnerAnswer = await this.#ask({ kind: "uploads", attempt: task.attempt, after });
      if (answer.kind !== "uploads") throw new Error(`${answer.kind} instead of uploads`);
      for (const { uploadId } of answer.uploads) await this.#store(() => this.#world.store.abortUpload(uploadId));
      after = answer.nextAfter;
    }
    const { output, shuffle } = this.#job.folders;
    for (const folder of this.#world.options.listsUploads ? [shuffle, output] : []) {
      await this.#store(() => this.#world.store.abortUploadsUnder(folder));
    }
    await this.#store(() => this.#world.store.removeFolder(shuffle));
    if (task.removeOutputs) await this.#store(() => this.#world.store.removeFolder(output));
    return { kind: "done", lost: [] };
  }

  /** Begins an upload and tells the job about it before anything else. */
  async #createUpload(attempt: string, path: string, content: readonly number[]): Promise<string> {
    const uploadId = await this.#store(() => this.#world.store.createUpload(path, content, attempt));
    await this.#ask({ kind: "upload", attempt, path, uploadId }, () => this.#job.noted.add(uploadId));
    return uploadId;
  }

  /** A request to the store; it is not sent once the attempt has ended. */
  async #store<T>(effect: () => T): Promise<T> {
    const { attempt } = this;
    let outcome: { readonly value: T } | undefined;
    // Nobody can prevent requests of a runner that missed the end of its lease.
    const isWithdrawn = (): boolean => attempt?.ended !== undefined || this.#leaseLeft() < 0;
    await this.#arrival(
      this.#world.store.request(() => {
        outcome = { value: effect() };
      }, isWithdrawn),
    );
    this.#check();
    if (outcome === undefined) throw new Ended("withdrawn");
    return outcome.value;
  }

  /** Sends a request for the current attempt. */
  async #ask(request: Unnumbered<RunnerRequest>, onAnswer?: () => void): Promise<RunnerAnswer> {
    const answer = await this.#request(request);
    onAnswer?.();
    if (answer.kind === "fenced") this.#end(answer.reason);
    this.#check();
    return answer;
  }

  #check(): void {
    if (!this.isAlive) throw new Ended("it is dead");
    if (this.attempt?.ended !== undefined) throw new Ended(this.attempt.ended);
  }
}

const countersOf = (task: Assignment): CountersSnapshot => ({
  builtin: attemptsMap(task.kind) ? { mapInputRecords: recordsOf(task.kind, task.index) } : {},
  user: {},
});
