import { z } from "zod";
import { JobRowSchema, TaskRowSchema, type JobRow, type TaskRow } from "../../shared/engine/machine.ts";
import type { RunnerRequest } from "../../shared/protocol/runner.ts";
import { isEnded, type JobStatus } from "../../shared/status.ts";
import type { Happening } from "./host.ts";
import { journalFaults, toldStatuses } from "./journal-checks.ts";
import type { SimulatedJob } from "./job.ts";
import { recordsOf } from "./runner.ts";
import type { End } from "./receiver.ts";
import { refusal } from "./troubles.ts";
import type { World } from "./world.ts";

/** Too many attempts for one task, whatever happens: each failure, loss and lost output is counted and limited. */
const mostAttempts = 200;

/** The allowed transitions from each state; staying is always allowed. */
const ways: Record<JobStatus, readonly JobStatus[]> = {
  pending: ["planning", "failed", "stopped"],
  planning: ["mapping", "reducing", "committing", "failed", "stopped"],
  mapping: ["reducing", "committing", "failed", "stopped"],
  reducing: ["mapping", "committing", "failed", "stopped"],
  committing: ["reducing", "mapping", "completed", "failed"],
  completed: [],
  failed: [],
  stopped: [],
};

const AttemptSchema = z.object({
  id: z.string(),
  kind: z.string(),
  idx: z.int(),
  status: z.string(),
  runner: z.string(),
});
type Attempt = z.infer<typeof AttemptSchema>;
const RowSchema = z.object({ row: z.string() });
const NotificationSchema = z.object({ sealed: z.string().nullable(), status: z.string(), due: z.int().nullable() });
const CountSchema = z.object({ kind: z.enum(["map", "reduce"]), status: z.string(), tasks: z.int() });
const TaskIdSchema = z.object({ kind: z.string(), idx: z.int() });

/** Checks the job's invariants after each of its events. */
export class JobChecks {
  /** Whether the user was told that the job exists. */
  isAnswered = false;
  readonly #job: SimulatedJob;
  readonly #world: World;
  /** The job's row after the last event that changed it, as stored and as parsed. */
  #text = "";
  #before: JobRow | undefined;
  #wasCommitting = false;
  #wasResumed = false;
  /** Whether the user has stopped the job. */
  #isStopped = false;
  /** Whether the job was resumed with a different program than the one that may have been broken. */
  #isMended = false;
  #exists = false;
  #events = 0;

  constructor(job: SimulatedJob, world: World) {
    this.#job = job;
    this.#world = world;
  }

  /** Whether the job's object was created and not erased. */
  get exists(): boolean {
    return this.#exists;
  }

  /** Whether the job was created and not released. */
  get isOpen(): boolean {
    return this.#before !== undefined && !this.#before.released;
  }

  get isMended(): boolean {
    return this.#isMended;
  }

  get status(): JobStatus | "none" {
    return this.#before?.status ?? "none";
  }

  fault(what: string): void {
    this.#world.checks.fault(`${this.#job.id}: ${what}`);
  }

  /** Called before an event of the job's object. @returns what to call after it */
  observe(what: Happening): () => void {
    this.#world.checks.note(this.#job.id, what);
    const stale = this.#exists && what.kind === "message" ? this.#stale(what.text) : undefined;
    const atWork = this.#exists && what.kind === "alarm" ? this.#open() : [];
    const resumed = this.#exists && what.kind === "call" && what.method === "resume" ? this.#resumed() : undefined;
    if (what.kind === "call" && what.method === "stop") this.#isStopped = true;
    return () => {
      if (this.#hasChanged(what)) this.#exists = this.#job.host.storage.tables().includes("job");
      if (!this.#exists) return;
      this.#progress();
      stale?.();
      resumed?.();
      for (const { id, runner } of atWork) this.#givenAway(id, runner);
    };
  }

  /** Only calls create or erase a job. */
  #hasChanged(what: Happening): boolean {
    return what.kind === "call" && (what.method === "create" || what.method === "erase");
  }

  /** An upload is becoming visible. */
  committing(path: string): void {
    if (!this.#wasCommitting) this.fault(`${path} became visible before all of it was there`);
  }

  /** A reduce has read a partition. @param maps whose output it has read */
  gathered(maps: readonly number[]): void {
    const completed = this.#exec("SELECT idx FROM task WHERE kind = 'map' AND status = 'completed' ORDER BY idx");
    const expected = JSON.stringify(completed.map(({ idx }) => idx));
    if (this.status === "reducing" && JSON.stringify(maps) !== expected) {
      this.fault(`a reduce has read the maps ${JSON.stringify(maps)}, and ${expected} are completed`);
    }
  }

  /** `_SUCCESS` is being written: all outputs must exist by now. */
  succeeding(): void {
    const { store } = this.#world;
    const { options, folders, isStored } = this.#job;
    // Its outputs have other names.
    if (isStored) return;
    const failed = this.#exec("SELECT idx FROM task WHERE kind = 'map' AND status = 'failed'").map(({ idx }) => idx);
    const expected = Array.from({ length: options.maps }, (_, i) => i).filter((i) => !failed.includes(i));
    const parts =
      options.reducers > 0
        ? Array.from({ length: options.reducers }, (_, r) => ({ name: `part-r-${r}`, content: expected }))
        : expected.map((map) => ({ name: `part-m-${map}`, content: [map] }));
    for (const { name, content } of parts) {
      const found = store.objects.get(folders.output + name);
      if (found === undefined) this.fault(`_SUCCESS is written, and ${name} is not there`);
      else if (JSON.stringify(found.content) !== JSON.stringify(content)) {
        this.fault(`${name} holds the maps ${JSON.stringify(found.content)}, not ${JSON.stringify(content)}`);
      }
    }
  }

  /** Whether the job can still run a content. */
  needs(key: string): boolean {
    // As a complete string: one key can be a prefix of another.
    const text = JSON.stringify(key);
    return this.#exists && this.isOpen && this.#exec("SELECT 1 FROM job WHERE instr(spec, ?) > 0", text).length > 0;
  }

  job(): JobRow {
    return JobRowSchema.parse(this.#row("SELECT row FROM job"));
  }

  /** Whether the job waits for a runner that will never come: a committing job cannot be ended. */
  get isAbandoned(): boolean {
    return this.status === "committing" && this.#world.cluster.isDeserted;
  }

  /** The receiver of notifications has heard of this end and no other, unless it never answers. */
  #notified({ status, endedAt }: JobRow): void {
    const { id, options, isStored } = this.#job;
    const heard = this.#world.receiver.heardOf(id);
    const [row] = this.#exec("SELECT sealed, status, due FROM notification").map((found) =>
      NotificationSchema.parse(found),
    );
    if (isStored || options.refusals === undefined) {
      if (row !== undefined || heard.length > 0) this.fault("somebody is notified, and nobody was to be");
      return;
    }
    // A resumed job has failed before.
    const isEarlier = (each: End): boolean =>
      this.#wasResumed && each.status === "failed" && each.endTime < (endedAt ?? 0);
    const told = heard.filter((each) => !isEarlier(each));
    const isSaid = ({ delivery, ...end }: End): boolean =>
      end.status === status && end.endTime === endedAt && delivery === `${id}.${endedAt}`;
    if (!told.every(isSaid)) this.fault(`it was ${status} at ${endedAt}, and has told ${JSON.stringify(heard)}`);
    const isDelivered = row?.status === "delivered";
    if (isDelivered !== Number.isFinite(options.refusals)) this.fault(`its notification is ${JSON.stringify(row)}`);
    if (isDelivered && (told.length === 0 || row.sealed !== null || row.due !== null)) {
      this.fault(`its notification is ${JSON.stringify(row)}, and was heard ${told.length} times`);
    }
  }

  /** The conditions reported by its agent, as the job shows them. */
  conditions(): unknown[] {
    return this.#exec("SELECT type, message FROM condition WHERE launcher = 1 ORDER BY rowid").map((row) => ({
      ...row,
    }));
  }

  /** The runner of an attempt was silent for too long. */
  mustBeOver(id: string): void {
    if (this.#exists && this.#attempt(id)?.status === "live") this.fault(`${id} is live, and its runner was silent`);
  }

  /** Checks what was stored before the schedule. */
  lookAgain(): JobStatus | "none" {
    this.#exists = this.#job.host.storage.tables().includes("job");
    if (this.#exists) this.#progress();
    return this.status;
  }

  /** The invariants once everything is quiet. */
  atTheEnd(strikes: number): void {
    if (!this.#exists || this.isAbandoned) return;
    const { store, cluster } = this.#world;
    const { options, folders, noted, id } = this.#job;
    const job = this.job();
    const expect = (holds: boolean, what: string): void => {
      if (!holds) this.fault(`at the end ${what}`);
    };
    expect(isEnded(job.status) && job.released, `the job is ${job.status}, released: ${job.released}`);
    const { runners, isRefused } = cluster.jobOf(id);
    expect(runners.size === 0, `${runners.size} runners are left`);
    expect(this.#exec("SELECT 1 FROM secret").length === 0, "the credentials are there");
    expect(this.#exec("SELECT 1 FROM outbox WHERE due IS NOT NULL").length === 0, "something is to be told still");
    expect(this.conditions().length === 0, `it shows ${JSON.stringify(this.conditions())}`);
    const output = store.under(folders.output);
    if (job.status === "completed") {
      expect(output.includes(`${folders.output}_SUCCESS`), "the job is completed and _SUCCESS not there");
      this.succeeding();
    }
    if (job.clean !== "abandoned") {
      if (job.status !== "completed") expect(output.length === 0, `these are left: ${output.join(" ")}`);
      const shuffle = store.under(folders.shuffle);
      expect(shuffle.length === 0, `of the shuffle these are left: ${shuffle.join(" ")}`);
      // If nobody could tell the job about an upload, only a store's list shows it.
      const uploads = [...store.uploads].filter(
        ([upload, { path }]) =>
          (path.startsWith(folders.output) || path.startsWith(folders.shuffle)) &&
          (this.#world.options.listsUploads || noted.has(upload)),
      );
      expect(uploads.length === 0, `uploads are left: ${JSON.stringify(uploads)}`);
    }
    this.#notified(job);
    // The tasks of an earlier release have counted other records, and may have failed before.
    if (this.#job.isStored) return;
    const mustFail = options.refusedAfter === 0 && options.deadlineSeconds === undefined && job.status !== "stopped";
    if (mustFail && !cluster.isDeserted)
      expect(job.error?.code === refusal.code, `its error is ${JSON.stringify(job.error)}`);
    const mayFail =
      options.failures > 0 ||
      options.broken !== undefined ||
      options.poisoned !== undefined ||
      options.deadly !== undefined ||
      options.deadlineSeconds !== undefined ||
      isRefused ||
      cluster.evictions >= options.maxAttempts ||
      strikes - (this.#world.options.isOldAgent ? 0 : cluster.drains) >= options.maxLosses;
    expect(mayFail || job.status !== "failed", `the job has failed for no reason: ${JSON.stringify(job.error)}`);
    this.#tasks(job);
  }

  #exec(query: string, ...bindings: (string | number)[]): readonly Record<string, SqlStorageValue>[] {
    return this.#job.host.storage.exec(query, ...bindings).toArray();
  }

  /** A row that is stored as JSON. */
  #row(query: string, ...bindings: (string | number)[]): unknown {
    return JSON.parse(RowSchema.parse(this.#exec(query, ...bindings)[0]).row);
  }

  #task(kind: string, index: number): TaskRow {
    return TaskRowSchema.parse(this.#row("SELECT row FROM task WHERE kind = ? AND idx = ?", kind, index));
  }

  #attempt(id: string): Attempt | undefined {
    const [found] = this.#exec("SELECT id, kind, idx, status, runner FROM attempt WHERE id = ?", id);
    return found === undefined ? undefined : AttemptSchema.parse(found);
  }

  #open(): Attempt[] {
    return this.#exec("SELECT id, kind, idx, status, runner FROM attempt WHERE status IN ('live', 'revoked')").map(
      (row) => AttemptSchema.parse(row),
    );
  }

  /** The job made no transition that is not allowed. */
  #progress(): void {
    const { row } = RowSchema.parse(this.#exec("SELECT row FROM job")[0]);
    if (row === this.#text) return;
    this.#text = row;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the object parses it; parsing it again takes most of the time
    const job = JSON.parse(row) as JobRow;
    const before = this.#before ?? job;
    const isResumed = before.clean === "held" && !isEnded(job.status);
    if (job.status !== before.status && !isResumed && !ways[before.status].includes(job.status)) {
      this.fault(`the job went from ${before.status} to ${job.status}`);
    }
    const fails = job.status === "failed" && before.status !== "failed";
    const isKept = !this.#job.isStored && this.#job.options.keepFailedSeconds !== undefined;
    if (fails && isKept && job.maps.completed > 0 && job.clean !== "held") {
      this.fault("what it has computed is not kept");
    }
    if (before.clean === "held" && job.clean === "waiting" && this.#world.clock.now < (before.heldUntil ?? Infinity)) {
      if (!this.#isStopped) this.fault("what it has computed is kept no more");
    }
    if (job.status !== before.status && toldStatuses((query) => this.#exec(query)).at(-1) !== job.status) {
      this.fault(`the job is ${job.status}, which is not told`);
    }
    if (before.released && !job.released) this.fault("the job was released, and is not any more");
    if (job.status === "committing") this.#wasCommitting = true;
    if (this.#events++ % 8 === 0) this.#counts(job);
    this.#before = job;
  }

  /** The user resumes the job: completed tasks stay, unless their program is replaced. */
  #resumed(): () => void {
    const replaced = this.#job.options.replaces;
    const completed = (): string =>
      JSON.stringify(
        this.#exec("SELECT idx, winner FROM task WHERE kind = 'map' AND status = 'completed' ORDER BY idx"),
      );
    const before = completed();
    const wasHeld = this.#before?.clean === "held";
    return () => {
      if (!wasHeld || this.#before?.clean === "held") return;
      this.#wasResumed = true;
      this.#isMended ||= replaced !== "nothing";
      const after = completed();
      const expected = replaced === "mapper" ? "[]" : before;
      if (after !== expected) this.fault(`it was resumed with the maps ${after}, not ${expected}`);
    };
  }

  /** The job's counts of its tasks are correct. */
  #counts({ status, maps, reduces, open }: JobRow): void {
    const reallyOpen = this.#open().length;
    if (open !== reallyOpen) this.fault(`the job, ${status}, has ${reallyOpen} open attempts, and counts ${open}`);
    const rows = this.#exec(
      "SELECT kind, status, count(*) AS tasks FROM task WHERE kind IN ('map', 'reduce') GROUP BY kind, status",
    );
    const found = { map: { running: 0, completed: 0, failed: 0 }, reduce: { running: 0, completed: 0, failed: 0 } };
    for (const row of rows) {
      const { kind, status: of, tasks } = CountSchema.parse(row);
      const counts = found[kind];
      if (of === "in-progress") counts.running = tasks;
      else if (of === "completed" || of === "failed") counts[of] = tasks;
    }
    for (const [kind, { running, completed, failed }] of Object.entries({ map: maps, reduce: reduces })) {
      const said = JSON.stringify({ running, completed, failed });
      const so = JSON.stringify(found[kind === "map" ? "map" : "reduce"]);
      if (said !== so) this.fault(`the job, ${status}, says of its ${kind}s ${said}, and ${so} is so`);
    }
  }

  /** A message of an attempt that is over must not change the attempt's task. */
  #stale(text: string): (() => void) | undefined {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    const request = JSON.parse(text) as RunnerRequest;
    if (!("attempt" in request) || request.attempt === null) return undefined;
    const attempt = this.#attempt(request.attempt);
    if (attempt !== undefined && attempt.status !== "live") return this.#unchanged(attempt, text);
    if (request.kind !== "shuffle-lost") return undefined;
    // A report about an output that has been replaced.
    const { winner } = this.#task("map", request.map);
    const other = winner === null || winner === request.mapAttempt ? undefined : this.#attempt(winner);
    return other && this.#unchanged(other, text);
  }

  /** A message must not change the task of an attempt. */
  #unchanged(attempt: Attempt, text: string): () => void {
    const before = this.#told(attempt);
    return () => {
      const after = this.#told(attempt);
      if (after !== before) this.fault(`${text.slice(0, 150)} made of ${before} ${after}`);
    };
  }

  /** The fields of a task that only a live attempt can change. Handing the task out again is a different matter. */
  #told({ kind, idx }: Attempt): string {
    const { winner, failures, losses, counters, message, error } = this.#task(kind, idx);
    return JSON.stringify({ winner, failures, losses, counters, message, error, job: this.job().counters });
  }

  /** An attempt that an alarm has ended no longer belonged to its runner. */
  #givenAway(id: string, runnerId: string): void {
    if (this.#attempt(id)?.status !== "ended") return;
    const runner = [...this.#world.cluster.jobOf(this.#job.id).runners].find((candidate) => candidate.id === runnerId);
    if (runner?.worksOn(id) === true) this.fault(`${id} was given away while ${runnerId} worked on it`);
  }

  #tasks(job: JobRow): void {
    const { options } = this.#job;
    let records = 0;
    if (job.status === "completed" && job.maps.failed * 100 > options.maxFailedMapsPercent * job.maps.total) {
      this.fault(`the job is completed, though ${job.maps.failed} of its ${job.maps.total} maps have failed`);
    }
    const ids = this.#exec("SELECT kind, idx FROM task").map((row) => TaskIdSchema.parse(row));
    for (const { kind, idx } of ids) {
      const task = this.#task(kind, idx);
      const name = `${task.kind} ${task.index}`;
      if (task.failures > Math.min(task.attempts, Math.max(options.maxAttempts, 1)))
        this.fault(`${name} has failed ${task.failures} times, and was tried ${task.attempts} times`);
      if (task.attempts > mostAttempts) this.fault(`${name} was tried ${task.attempts} times`);
      if ((task.winner !== null) !== (task.status === "completed"))
        this.fault(`${name} is ${task.status}, won by ${task.winner}`);
      const isTolerated = task.kind === "map" && task.status === "failed";
      if (job.status === "completed" && task.kind !== "clean" && task.status !== "completed" && !isTolerated) {
        this.fault(`the job is completed, ${name} is ${task.status}`);
      }
      if (task.status === "completed" && (task.kind === "map" || task.kind === "reduce")) {
        records += recordsOf(task.kind, task.index);
      }
    }
    const counted = job.counters.builtin.mapInputRecords ?? 0;
    if (counted !== records) this.fault(`the job has counted ${counted} records, its tasks ${records}`);
    for (const { id, status } of this.#open()) this.fault(`${id} is ${status} at the end`);
    this.#outcomes();
    for (const fault of journalFaults((query) => this.#exec(query))) this.fault(fault);
  }

  /** The recorded outcomes of attempts match their tasks. */
  #outcomes(): void {
    const untold = this.#exec(
      "SELECT id, outcome FROM attempt WHERE outcome IS NULL OR (outcome = 'won' AND status != 'won')",
    );
    for (const row of untold) this.fault(`the end of an attempt is not told: ${JSON.stringify(row)}`);
    // Release 0.1.0 did not record which outputs were lost.
    if (this.#world.options.isUpgrade) return;
    const unlike = this.#exec(
      `SELECT kind, idx, winner FROM task WHERE (winner IS NOT NULL) !=
         (SELECT count(*) FROM attempt WHERE attempt.kind = task.kind AND attempt.idx = task.idx AND outcome = 'won')`,
    );
    for (const row of unlike) this.fault(`a task's winner is not the attempt that has won: ${JSON.stringify(row)}`);
  }
}
