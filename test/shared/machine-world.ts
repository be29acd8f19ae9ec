import { addCounters, noCounters, type CountersSnapshot } from "../../shared/counters.ts";
import { commitBatch, defaultMaxLosses } from "../../shared/limits.ts";
import {
  abandonClean,
  assign,
  claimableKind,
  complete,
  explainLoss,
  fail,
  failJob,
  freshTask,
  JobRowSchema,
  letGo,
  lose,
  postpone,
  loseOutput,
  newJob,
  newTask,
  resume,
  runnersWanted,
  stop,
  stragglerAge,
  type AttemptRow,
  type Effect,
  type JobRow,
  type Loss,
  type MadeAgain,
  type ResumeOptions,
  type RunnerEnd,
  type TaskRow,
  type Transition,
} from "../../shared/engine/machine.ts";
import { isEnded, type TaskKind } from "../../shared/status.ts";

export type WorldOptions = {
  readonly maps: number;
  readonly reducers: number;
  readonly parallelism?: number | null;
  readonly maxFailedMapsPercent?: number;
  readonly maxAttempts?: number;
  readonly maxLosses?: number;
  readonly keepFailedSeconds?: number;
};

/** The REST API's default. */
export const maxAttempts = 4;

/** The job machine with an in-memory store that carries out its effects, as a JobObject does; time only moves when told to. */
export class World {
  job: JobRow;
  now = 1000;
  erased = false;
  readonly tasks = new Map<string, TaskRow>();
  readonly attempts = new Map<string, AttemptRow>();
  /** Kinds of the effects of the last transition. */
  effects: Effect["kind"][] = [];
  /** The number of runners woken so far. */
  #woken = 0;
  /** The numbers of runners announced to the cluster. */
  readonly announced: number[] = [];
  /** The kind of each batch of created tasks. */
  readonly creations: TaskKind[] = [];
  readonly #maps: number;
  readonly options: ResumeOptions;

  constructor({
    maps,
    reducers,
    parallelism = null,
    maxFailedMapsPercent = 0,
    maxAttempts: most = maxAttempts,
    maxLosses = defaultMaxLosses,
    keepFailedSeconds = 0,
  }: WorldOptions) {
    this.#maps = maps;
    this.options = {
      parallelism,
      maxAttempts: most,
      maxLosses,
      maxFailedMapsPercent,
      speculation: true,
      keepFailedSeconds,
    };
    const born = newJob({ id: "j", nReducers: reducers, ...this.options });
    this.job = born.job;
    this.#apply(born);
  }

  task(kind: TaskKind, index: number): TaskRow {
    const task = this.tasks.get(`${kind}-${index}`);
    if (task === undefined) throw new Error(`there is no ${kind} ${index}`);
    return task;
  }

  attempt(id: string): AttemptRow {
    const attempt = this.attempts.get(id);
    if (attempt === undefined) throw new Error(`there is no attempt ${id}`);
    return attempt;
  }

  tasksOf(kind: TaskKind): TaskRow[] {
    return [...this.tasks.values()].filter((task) => task.kind === kind);
  }

  open(): AttemptRow[] {
    return [...this.attempts.values()].filter(({ status }) => status === "live" || status === "revoked");
  }

  /** The number of runners woken since the last call. */
  takeWoken(): number {
    const woken = this.#woken;
    this.#woken = 0;
    return woken;
  }

  /** A runner asks for work. @returns its attempt's id, or undefined if there is nothing to do now */
  claim(runner = "runner"): string | undefined {
    const kind = claimableKind(this.job);
    if (kind === undefined) return undefined;
    const task = this.tasksOf(kind).find((candidate) => isClaimable(candidate, this.now));
    return this.#assign(task ?? this.#straggler(kind), runner);
  }

  #straggler(kind: TaskKind): TaskRow | undefined {
    const age = stragglerAge(this.job) ?? Number.POSITIVE_INFINITY;
    const found = this.nextStraggler(kind);
    return found !== undefined && found.startedAt + age <= this.now ? this.task(kind, found.index) : undefined;
  }

  /** The oldest live attempt among those that are the only open one of their task. */
  nextStraggler(kind: TaskKind): AttemptRow | undefined {
    const open = Map.groupBy(
      this.open().filter((attempt) => attempt.kind === kind),
      ({ index }) => index,
    );
    const alone = [...open.values()].filter(({ length }) => length === 1).flat();
    return alone.filter(({ status }) => status === "live").sort((a, b) => a.startedAt - b.startedAt)[0];
  }

  #assign(task: TaskRow | undefined, runner: string): string | undefined {
    if (task === undefined) return undefined;
    const assigned = assign(this.job, task, { id: runner, podName: `pod-${runner}` }, this.now);
    this.attempts.set(assigned.attempt.id, assigned.attempt);
    this.#apply(assigned);
    return assigned.attempt.id;
  }

  /** As `claim`, but there must be something to do. */
  mustClaim(runner?: string): string {
    const id = this.claim(runner);
    if (id === undefined) throw new Error(`nothing to claim in ${this.job.status}`);
    return id;
  }

  complete(id: string, counters: CountersSnapshot = noCounters): void {
    this.#ifOpen(id, (attempt, task) => {
      const done = complete(this.job, task, attempt, counters, this.now, this.#maps);
      this.#apply(done ?? lose(this.job, task, attempt, "another attempt was first", this.now));
    });
  }

  /** @param message by default different for each task */
  fail(id: string, final = false, message = `it broke at ${String.fromCharCode(97 + this.attempt(id).index)}`): void {
    this.#ifOpen(id, (attempt, task) => {
      this.#apply(fail(this.job, task, attempt, { code: "Broken", message, final }, this.now));
    });
  }

  lose(id: string, loss: Loss = "known"): void {
    this.#ifOpen(id, (attempt, task) => this.#apply(lose(this.job, task, attempt, "it is gone", this.now, loss)));
  }

  /** The agent reports how the runner of a lost attempt ended. */
  explain(id: string, failure: RunnerEnd["failure"], disrupted = false): void {
    const { kind, index } = this.attempt(id);
    const end: RunnerEnd = { reason: "it was drained", failure, disrupted };
    const explained = explainLoss(this.job, this.task(kind, index), this.attempt(id), end, this.now);
    if (explained !== undefined) this.#apply(explained);
  }

  postpone(id: string, pauseMs: number): void {
    this.#ifOpen(id, (attempt, task) =>
      this.#apply(postpone(this.job, task, attempt, "it is asked too often", pauseMs, this.now)),
    );
  }

  /** The output of attempt `outputOf`, a map's or a reduce's, is gone. */
  loseOutput(outputOf: string): void {
    const attempt = this.attempt(outputOf);
    const lost = loseOutput(this.job, this.task(attempt.kind, attempt.index), attempt, "it is gone", this.now);
    if (lost !== undefined) this.#apply(lost);
  }

  /** The reduce attempt `id` could not read what map attempt `outputOf` had stored. */
  shuffleLost(id: string, outputOf: string): void {
    if (this.#isOpen(id) && this.attempt(id).status === "live") this.loseOutput(outputOf);
    this.lose(id);
  }

  /** The commit attempt `id` found that the uploads of these outputs of its batch are gone. */
  uploadsLost(id: string, outputs: readonly number[]): void {
    if (this.#isOpen(id) && this.attempt(id).status === "live") {
      const first = this.attempt(id).index * commitBatch;
      const batch = this.tasksOf(this.job.mapOnly ? "map" : "reduce").slice(first, first + commitBatch);
      for (const { index, winner } of batch) if (winner !== null && outputs.includes(index)) this.loseOutput(winner);
    }
    this.lose(id);
  }

  stop(): string {
    const stopped = stop(this.job, this.now);
    if (typeof stopped === "string") return stopped;
    this.#apply(stopped);
    return "stopped";
  }

  /** Resumes the held job. @returns whether it was held */
  resume(again: MadeAgain = "nothing"): boolean {
    const resumed = resume(this.job, this.options, again, () => sumOf(this, "reduce"));
    if (resumed !== undefined) this.#apply(resumed);
    return resumed !== undefined;
  }

  letGo(): void {
    const cleaned = letGo(this.job, this.now);
    if (cleaned !== undefined) this.#apply(cleaned);
  }

  abandonClean(): void {
    if (this.job.clean === "waiting") this.#apply(abandonClean(this.job));
  }

  failJob(): void {
    const failed = failJob(this.job, { code: "DeadlineExceeded", message: "it took too long" }, this.now);
    if (failed !== undefined) this.#apply(failed);
  }

  /** Sets the job's row as parsed from what a release has stored. */
  restore(stored: unknown): void {
    this.job = JobRowSchema.parse(stored);
  }

  /** Claims and completes tasks until `until` is true or there are none left. @returns the attempts */
  run(until: (world: World) => boolean = () => false): string[] {
    const done: string[] = [];
    while (!until(this)) {
      const id = this.claim();
      if (id === undefined) break;
      this.complete(id);
      done.push(id);
    }
    return done;
  }

  #isOpen(id: string): boolean {
    const status = this.attempts.get(id)?.status;
    return status === "live" || status === "revoked";
  }

  #ifOpen(id: string, then: (attempt: AttemptRow, task: TaskRow) => void): void {
    if (!this.#isOpen(id)) return;
    const attempt = this.attempt(id);
    then(attempt, this.task(attempt.kind, attempt.index));
  }

  #apply({ job, task, attempt, effects }: Transition): void {
    this.job = job;
    if (task !== undefined) this.tasks.set(`${task.kind}-${task.index}`, task);
    if (attempt !== undefined) this.attempts.set(attempt.id, attempt);
    this.effects = effects.map(({ kind }) => kind);
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "create":
        this.creations.push(effect.tasks);
        for (let index = 0; index < effect.total; index++) {
          if (this.tasks.has(`${effect.tasks}-${index}`)) throw new Error(`${effect.tasks} ${index} is created twice`);
          this.tasks.set(`${effect.tasks}-${index}`, newTask(effect.tasks, index, this.now));
        }
        break;
      case "revoke": {
        const { task: of } = effect;
        for (const attempt of this.attempts.values()) {
          const meant = of === "all" || (of.kind === attempt.kind && of.index === attempt.index);
          if (meant && attempt.status === "live") this.attempts.set(attempt.id, { ...attempt, status: "revoked" });
        }
        break;
      }
      case "stop-tasks":
        for (const [id, task] of this.tasks) {
          if (task.kind === "clean" || (task.status !== "scheduled" && task.status !== "in-progress")) continue;
          this.tasks.set(id, { ...task, status: "stopped", endedAt: this.now });
        }
        break;
      case "restart-tasks":
        for (const [id, task] of this.tasks) {
          const isStarted = task.status === "failed" || task.status === "stopped";
          const isAgain = task.status === "completed" && effect.completed.includes(task.kind);
          if (isStarted || isAgain) this.tasks.set(id, { ...task, ...freshTask, lost: [] });
        }
        break;
      case "dismiss":
        break;
      case "erase":
        this.erased = true;
        break;
      case "runners":
        this.announced.push(runnersWanted(this.job));
        break;
      case "wake":
        this.#woken += effect.tasks;
        break;
      case "publish":
        break;
    }
  }
}

/** The number of tasks that a runner can claim now, not counting second attempts. */
export const claimableTasks = (world: World): number => {
  const kind = claimableKind(world.job);
  return kind === undefined ? 0 : world.tasksOf(kind).filter((task) => isClaimable(task, world.now)).length;
};

const isClaimable = ({ status, notBefore }: TaskRow, now: number): boolean =>
  status === "scheduled" && notBefore <= now;

/** The invariants that `world` violates after an event; empty if all is well. */
export const violations = (world: World): string[] => {
  const { job } = world;
  const found: string[] = [];
  const expectEqual = (what: string, actual: unknown, expected: unknown): void => {
    if (JSON.stringify(actual) !== JSON.stringify(expected)) {
      found.push(`${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
    }
  };
  for (const kind of ["map", "reduce"] as const) {
    const tasks = world.tasksOf(kind);
    const count = (status: TaskRow["status"]): number => tasks.filter((task) => task.status === status).length;
    const { total, ...counts } = kind === "map" ? job.maps : job.reduces;
    expectEqual(`the ${kind} counts`, counts, {
      running: count("in-progress"),
      completed: count("completed"),
      failed: count("failed"),
    });
    if (tasks.length > 0) expectEqual(`the ${kind} total`, total, tasks.length);
  }
  const committed = world.tasksOf("commit").filter(({ status }) => status === "completed");
  expectEqual("the commits", job.commits.completed, committed.length);
  // A later phase requires all of the earlier one.
  if (job.status === "reducing" || job.status === "committing") {
    expectEqual("the maps that are over", job.maps.completed + job.maps.failed, job.maps.total);
  }
  if (job.status === "committing") {
    expectEqual("the reduces that are completed", job.reduces.completed, job.reduces.total);
  }
  expectEqual("open", job.open, world.open().length);
  const doubled = world
    .tasksOf("map")
    .concat(world.tasksOf("reduce"))
    .filter(({ live }) => live > 1).length;
  if (!isEnded(job.status)) expectEqual("doubled", job.doubled, doubled);
  const wanted = runnersWanted(job);
  const announced = world.announced.at(-1) ?? 0;
  const isClose = wanted <= announced && wanted > announced * 0.9;
  if (!isClose) expectEqual("the number of runners that the cluster knows", announced, wanted);
  for (const task of world.tasks.values()) {
    const open = world.open().filter(({ kind, index }) => kind === task.kind && index === task.index);
    const name = `${task.kind} ${task.index}`;
    const live = open.filter(({ status }) => status === "live").length;
    if (!isEnded(job.status)) expectEqual(`live of ${name}`, task.live, live);
    if (task.status === "in-progress" && !job.released) expectEqual(`whether ${name} is at work`, live > 0, true);
    if (task.lost.length > task.losses) found.push(`${name} has ${task.losses} losses, and waits to hear of more`);
    expectEqual(`whether ${name} has a winner`, task.winner !== null, task.status === "completed");
    if (task.winner !== null) expectEqual(`the winner of ${name}`, world.attempt(task.winner).status, "won");
  }
  if (isEnded(job.status)) {
    expectEqual("the tasks at work", [...world.tasks.values()].filter(isAtWork).length, 0);
    expectEqual("whether it has an end", job.endedAt !== null, true);
    expectEqual("whether it has an error", job.error !== null, job.status === "failed");
  }
  if (job.released) expectEqual("whether the credentials are erased", world.erased, true);
  expectEqual("the user's counters", summed(world), job.counters.builtin.mapInputRecords ?? 0);
  if (job.status === "completed") {
    const unfinished = [...world.tasks.values()].filter(
      ({ kind, status }) => kind !== "clean" && status !== "completed",
    );
    expectEqual("what a completed job lacks", unfinished.length, job.maps.failed);
  }
  return found;
};

const isAtWork = ({ kind, status }: TaskRow): boolean =>
  kind !== "clean" && (status === "scheduled" || status === "in-progress");

/** The sum over the winning tasks of a kind. */
const sumOf = (world: World, kind: TaskKind): CountersSnapshot =>
  world
    .tasksOf(kind)
    .filter(({ status }) => status === "completed")
    .reduce((sum, { counters }) => addCounters(sum, counters), noCounters);

const summed = (world: World): number =>
  addCounters(sumOf(world, "map"), sumOf(world, "reduce")).builtin.mapInputRecords ?? 0;
