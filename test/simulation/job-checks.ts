import { z } from "zod";
import { JobRowSchema, TaskRowSchema, type JobRow, type TaskRow } from "../../shared/engine/machine.ts";
import { RunnerRequestSchema } from "../../shared/protocol/runner.ts";
import { isEnded, type JobStatus } from "../../shared/status.ts";
import type { Happening } from "./host.ts";
import { addressOf, outputFolder, shuffleFolder } from "./places.ts";
import { recordsOf } from "./runner.ts";
import type { World } from "./world.ts";

/** Attempts of one task that are too many, whatever happens: each failure, loss and lost output is counted and limited. */
const mostAttempts = 200;

/** Where a job may go from each state; staying there is always possible. */
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
const CountSchema = z.object({ kind: z.enum(["map", "reduce"]), status: z.string(), tasks: z.int() });
const TaskIdSchema = z.object({ kind: z.string(), idx: z.int() });

/** Looks, after everything that happens to the job, whether it has kept its promises. */
export class Checks {
  readonly faults: string[] = [];
  readonly #world: World;
  #before: JobRow | undefined;
  #wasCommitting = false;
  #exists = false;
  #events = 0;

  constructor(world: World) {
    this.#world = world;
    // An object says so where it meets what should not be. That somebody could not be told is no such thing.
    console.error = (text: string, cause: unknown) => {
      if (!text.includes("could not be told")) this.fault(`${text}: ${String(cause)}`);
    };
  }

  /** For those who look at one schedule: everything that happens. */
  trace(what: string): void {
    if (this.#world.isTraced) process.stderr.write(`${this.#world.elapsed} ${what}\n`);
  }

  fault(what: string): void {
    if (this.faults.length < 5) this.faults.push(`after ${this.#world.elapsed} ms ${what}`);
  }

  /** Called before an event of the job's object. @returns what to call after it */
  observe(what: Happening): () => void {
    this.#exists ||= this.#exec("SELECT 1 FROM sqlite_master WHERE name = 'job'").length > 0;
    if (!this.#exists) return () => undefined;
    const stale = what.kind === "message" ? this.#stale(what.text) : undefined;
    this.trace(what.kind === "message" ? what.text.slice(0, 200) : what.kind);
    const atWork = what.kind === "alarm" ? this.#open() : [];
    return () => {
      this.#progress();
      stale?.();
      for (const { id, runner } of atWork) this.#givenAway(id, runner);
    };
  }

  /** An upload is being made visible. */
  committing(path: string): void {
    if (!this.#wasCommitting) this.fault(`${path} became visible before all of it was there`);
  }

  /** `_SUCCESS` is being written: everything must be there by now. */
  succeeding(): void {
    const { options, store } = this.#world;
    const failed = this.#exec("SELECT idx FROM task WHERE kind = 'map' AND status = 'failed'").map(({ idx }) => idx);
    const expected = Array.from({ length: options.maps }, (_, i) => i).filter((i) => !failed.includes(i));
    const parts =
      options.reducers > 0
        ? Array.from({ length: options.reducers }, (_, r) => ({ name: `part-r-${r}`, content: expected }))
        : expected.map((map) => ({ name: `part-m-${map}`, content: [map] }));
    for (const { name, content } of parts) {
      const found = store.objects.get(addressOf(outputFolder + name));
      if (found === undefined) this.fault(`_SUCCESS is written, and ${name} is not there`);
      else if (JSON.stringify(found.content) !== JSON.stringify(content)) {
        this.fault(`${name} holds the maps ${JSON.stringify(found.content)}, not ${JSON.stringify(content)}`);
      }
    }
  }

  job(): JobRow {
    return JobRowSchema.parse(this.#row("SELECT row FROM job"));
  }

  /** What must hold once all is quiet. */
  atTheEnd(strikes: number): void {
    const { store, cluster, published, clusterHost, options } = this.#world;
    const job = this.job();
    // A job that commits cannot be ended, not by its deadline either: it waits for a runner.
    if (options.deserted !== undefined && job.status === "committing") return;
    const expect = (holds: boolean, what: string): void => {
      if (!holds) this.fault(`at the end ${what}`);
    };
    expect(isEnded(job.status) && job.released, `the job is ${job.status}, released: ${job.released}`);
    expect(published?.status === job.status && published.ended, `the Registry knows ${JSON.stringify(published)}`);
    expect(cluster.runners.size === 0, `${cluster.runners.size} runners are left`);
    expect(this.#exec("SELECT 1 FROM secret").length === 0, "the credentials are there");
    expect(this.#exec("SELECT 1 FROM outbox WHERE due IS NOT NULL").length === 0, "something is to be told still");
    // Where no agent is left, nothing can show that what was wanted came after the removal.
    for (const table of options.deserted === undefined ? ["wanted_job", "removal"] : []) {
      expect(clusterHost.storage.exec(`SELECT 1 FROM ${table}`).toArray().length === 0, `${table} is not empty`);
    }
    const output = store.under(addressOf(outputFolder));
    const isThere = output.includes(addressOf(`${outputFolder}_SUCCESS`));
    expect(
      isThere === (job.status === "completed"),
      `the job is ${job.status} and _SUCCESS ${isThere ? "" : "not "}there`,
    );
    if (job.status === "completed") this.succeeding();
    if (job.clean !== "abandoned") {
      if (job.status !== "completed") expect(output.length === 0, `these are left: ${output.join(" ")}`);
      const shuffle = store.under(addressOf(shuffleFolder));
      expect(shuffle.length === 0, `of the shuffle these are left: ${shuffle.join(" ")}`);
      // Of what nobody could tell the job, only a store's list tells.
      const uploads = [...store.uploads].filter(([id]) => options.listsUploads || this.#world.noted.has(id));
      expect(uploads.length === 0, `uploads are left: ${JSON.stringify(uploads)}`);
    }
    const mayFail =
      options.failures > 0 ||
      options.broken !== undefined ||
      options.poisoned !== undefined ||
      options.deadly !== undefined ||
      options.deadlineSeconds !== undefined ||
      cluster.evictions >= options.maxAttempts ||
      strikes - cluster.drains >= options.maxLosses;
    expect(mayFail || job.status !== "failed", `the job has failed for no reason: ${JSON.stringify(job.error)}`);
    this.#tasks(job);
  }

  #exec(query: string, ...bindings: (string | number)[]): readonly Record<string, SqlStorageValue>[] {
    return this.#world.job.storage.exec(query, ...bindings).toArray();
  }

  /** A row that is kept as JSON. */
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

  /** The job went nowhere where it may not go. */
  #progress(): void {
    const row: unknown = this.#row("SELECT row FROM job");
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the object parses it; parsing it again takes most of the time
    const job = row as JobRow;
    const before = this.#before ?? job;
    if (job.status !== before.status && !ways[before.status].includes(job.status)) {
      this.fault(`the job went from ${before.status} to ${job.status}`);
    }
    if (before.released && !job.released) this.fault("the job was released, and is not any more");
    if (job.status === "committing") this.#wasCommitting = true;
    if (this.#events++ % 4 === 0) this.#counts(job);
    this.#before = job;
  }

  /** What the job says of its tasks is so. */
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

  /** A message of an attempt that is over: the task that it was of must stay as it is. */
  #stale(text: string): (() => void) | undefined {
    const request = RunnerRequestSchema.parse(JSON.parse(text));
    if (!("attempt" in request) || request.attempt === null) return undefined;
    const attempt = this.#attempt(request.attempt);
    if (attempt !== undefined && attempt.status !== "live") return this.#unchanged(attempt, text);
    if (request.kind !== "shuffle-lost") return undefined;
    // News of an output in whose place there is another.
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

  /** What only a live attempt may change of its task. That it is handed out again is another matter. */
  #told({ kind, idx }: Attempt): string {
    const { winner, failures, losses, counters, message, error } = this.#task(kind, idx);
    return JSON.stringify({ winner, failures, losses, counters, message, error, job: this.job().counters });
  }

  /** An attempt that an alarm has ended was its runner's no more. */
  #givenAway(id: string, runnerId: string): void {
    if (this.#attempt(id)?.status !== "ended") return;
    const runner = this.#world.runners.find((candidate) => candidate.id === runnerId);
    if (runner?.worksOn(id) === true) this.fault(`${id} was given away while ${runnerId} worked on it`);
  }

  #tasks(job: JobRow): void {
    const { options } = this.#world;
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
  }
}
