import { z } from "zod";
import {
  AttemptRowSchema,
  JobRowSchema,
  TaskRowSchema,
  type AttemptRow,
  type JobRow,
  type TaskRow,
} from "../../shared/engine/machine.ts";
import type { LauncherCondition } from "../../shared/protocol/agent.ts";
import {
  MapInputSchema,
  SegmentRefSchema,
  type InputRange,
  type MapInput,
  type SegmentRef,
} from "../../shared/protocol/tasks.ts";
import { bytesOf } from "../../shared/splits.ts";
import type { TaskKind } from "../../shared/status.ts";
import type { JobSpec } from "./spec.ts";
import { outboxTable } from "../platform/outbox.ts";
import { PlannedInput } from "./tables/planned-input.ts";

/** What a map or a reduce has left in the store: a shuffle object, or an upload that waits for its commit. */
const StoredOutputSchema = z.object({
  path: z.string(),
  uploadId: z.string().optional(),
  tags: z.array(z.string()).optional(),
  largestBlock: z.int().optional(),
});
export type StoredOutput = z.infer<typeof StoredOutputSchema>;

export const UploadRowSchema = z.object({ id: z.int(), path: z.string(), uploadId: z.string() });

// Schemas are made once: to make one takes longer than to parse with it.
const Text = z.string();
const Int = z.int();
const Numeric = z.number();
const DueSchema = z.object({ due: z.number().nullable() });
const AloneSchema = z.array(z.object({ index: z.int(), since: z.int() }));
const ConditionsSchema = z.array(z.object({ type: z.string(), message: z.string(), since: z.int() }));
const UploadsSchema = z.array(UploadRowSchema);
const jobColumns = z.object({ row: z.string(), input_bytes: z.number() });
const taskColumns = z.object({ row: z.string() });

/** Bytes of one offset in a map's index: a float64 holds every offset up to 2^53. */
const offsetBytes = 8;

/** The offsets of the segments in a shuffle object, one more than there are partitions: segment r is `[o[r], o[r+1])`. */
const indexOf = (lengths: readonly number[]): ArrayBuffer => {
  const offsets = new DataView(new ArrayBuffer((lengths.length + 1) * offsetBytes));
  let offset = 0;
  for (const [r, length] of lengths.entries()) {
    offset += length;
    offsets.setFloat64((r + 1) * offsetBytes, offset);
  }
  return offsets.buffer;
};

/** The first of stored ranges. */
const firstOf = (ranges: SqlStorageValue | undefined): InputRange | null =>
  MapInputSchema.parse(JSON.parse(Text.parse(ranges)))[0] ?? null;

/**
 * The tables of a JobObject. Rows of the machine are kept as JSON beside the columns that queries need; everything read is
 * parsed by its schema. Writes that follow each other without an `await` are one transaction.
 */
export class JobStore {
  /** What a plan has listed so far. */
  readonly planned: PlannedInput;
  readonly #sql: SqlStorage;
  /** The job is known to be there; while false it has to be looked for. */
  #created = false;
  #spec: JobSpec | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.planned = new PlannedInput(sql);
  }

  /** Whether the job was created. Creates no table. */
  exists(): boolean {
    this.#created ||= this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'job'").toArray().length > 0;
    return this.#created;
  }

  /** What was read is to be read again: a transaction was undone, or everything is deleted. */
  forget(): void {
    this.#created = false;
    this.#spec = undefined;
  }

  create(spec: JobSpec, row: JobRow): void {
    this.#sql.exec(`
      CREATE TABLE job (id INTEGER PRIMARY KEY CHECK (id = 1), spec TEXT NOT NULL, row TEXT NOT NULL, input_bytes INTEGER NOT NULL);
      CREATE TABLE secret (sealed TEXT NOT NULL);
      CREATE TABLE condition (type TEXT PRIMARY KEY, message TEXT NOT NULL, since INTEGER NOT NULL, launcher INTEGER NOT NULL);
      CREATE TABLE task (
        kind TEXT NOT NULL, idx INTEGER NOT NULL, status TEXT NOT NULL, not_before INTEGER NOT NULL, winner TEXT,
        row TEXT NOT NULL, input_bytes INTEGER NOT NULL DEFAULT 0, output TEXT, segments BLOB,
        PRIMARY KEY (kind, idx));
      CREATE INDEX task_queue ON task (kind, status, idx);
      CREATE INDEX task_later ON task (kind, not_before) WHERE status = 'scheduled' AND not_before > 0;
      CREATE TABLE input (map INTEGER PRIMARY KEY, count INTEGER NOT NULL, ranges TEXT NOT NULL);
      CREATE TABLE attempt (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, idx INTEGER NOT NULL, runner TEXT NOT NULL, status TEXT NOT NULL,
        started INTEGER NOT NULL, lease_until INTEGER NOT NULL, linked INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX attempt_open ON attempt (lease_until) WHERE status IN ('live', 'revoked');
      CREATE INDEX attempt_runner ON attempt (runner) WHERE status IN ('live', 'revoked');
      CREATE INDEX attempt_ended ON attempt (runner) WHERE status = 'ended';
      CREATE TABLE upload (
        id INTEGER PRIMARY KEY AUTOINCREMENT, attempt TEXT NOT NULL, path TEXT NOT NULL, upload_id TEXT NOT NULL, handed_to TEXT,
        UNIQUE (attempt, path, upload_id));
      ${outboxTable};
    `);
    this.planned.create();
    this.#sql.exec(
      "INSERT INTO job (id, spec, row, input_bytes) VALUES (1, ?, ?, 0)",
      JSON.stringify(spec),
      JSON.stringify(row),
    );
  }

  // ---- the job

  /** As it was stored by `create`: our own words, so not parsed again. It never changes, and is read with every claim. */
  spec(): JobSpec {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was a JobSpec when it was stored
    this.#spec ??= JSON.parse(Text.parse(this.#sql.exec("SELECT spec FROM job").one()["spec"])) as JobSpec;
    return this.#spec;
  }

  job(): JobRow {
    return JobRowSchema.parse(
      JSON.parse(jobColumns.parse(this.#sql.exec("SELECT row, input_bytes FROM job").one()).row),
    );
  }

  saveJob(row: JobRow): void {
    this.#sql.exec("UPDATE job SET row = ?", JSON.stringify(row));
  }

  inputBytes(): number {
    return jobColumns.parse(this.#sql.exec("SELECT row, input_bytes FROM job").one()).input_bytes;
  }

  setInputBytes(bytes: number): void {
    this.#sql.exec("UPDATE job SET input_bytes = ?", bytes);
  }

  sealed(): string | undefined {
    const row = this.#sql.exec("SELECT sealed FROM secret").toArray()[0];
    return row === undefined ? undefined : Text.parse(row["sealed"]);
  }

  setSealed(sealed: string): void {
    this.#sql.exec("INSERT INTO secret (sealed) VALUES (?)", sealed);
  }

  eraseSealed(): void {
    this.#sql.exec("DELETE FROM secret");
  }

  conditions(): { type: string; message: string; since: number }[] {
    return ConditionsSchema.parse(
      this.#sql.exec("SELECT type, message, since FROM condition ORDER BY since, type").toArray(),
    );
  }

  /** Sets a condition. `since` stays while the condition does. @param fromLauncher it is the agent that says so */
  setCondition(type: string, message: string, now: number, fromLauncher = false): void {
    this.#sql.exec(
      `INSERT INTO condition (type, message, since, launcher) VALUES (?, ?, ?, ?)
       ON CONFLICT (type) DO UPDATE SET message = excluded.message, launcher = excluded.launcher`,
      type,
      message,
      now,
      fromLauncher ? 1 : 0,
    );
  }

  /** Sets all conditions that the agent speaks of, in place of those before. */
  setLauncherConditions(conditions: readonly LauncherCondition[], now: number): void {
    const types = JSON.stringify(conditions.map(({ type }) => type));
    this.#sql.exec("DELETE FROM condition WHERE launcher = 1 AND type NOT IN (SELECT value FROM json_each(?))", types);
    for (const { type, message } of conditions) this.setCondition(type, message, now, true);
  }

  // ---- tasks

  addTask(row: TaskRow, inputBytes = 0): void {
    this.#sql.exec(
      "INSERT INTO task (kind, idx, status, not_before, winner, row, input_bytes) VALUES (?, ?, ?, ?, ?, ?, ?)",
      row.kind,
      row.index,
      row.status,
      row.notBefore,
      row.winner,
      JSON.stringify(row),
      inputBytes,
    );
  }

  /** The ranges have a table of their own: a task's row is written again with each of its changes, and they can be long. */
  addMap(row: TaskRow, input: MapInput): void {
    this.addTask(row, bytesOf(input));
    this.#sql.exec(
      "INSERT INTO input (map, count, ranges) VALUES (?, ?, ?)",
      row.index,
      input.length,
      JSON.stringify(input),
    );
  }

  task(kind: TaskKind, index: number): TaskRow {
    const found = this.#sql.exec("SELECT row FROM task WHERE kind = ? AND idx = ?", kind, index).one();
    return TaskRowSchema.parse(JSON.parse(taskColumns.parse(found).row));
  }

  saveTask(row: TaskRow): void {
    this.#sql.exec(
      "UPDATE task SET status = ?, not_before = ?, winner = ?, row = ? WHERE kind = ? AND idx = ?",
      row.status,
      row.notBefore,
      row.winner,
      JSON.stringify(row),
      row.kind,
      row.index,
    );
  }

  /** The first scheduled task of a kind that may be claimed at `now`. */
  nextTask(kind: TaskKind, now: number): TaskRow | undefined {
    const found = this.#sql
      .exec(
        `SELECT row FROM task INDEXED BY task_queue
         WHERE kind = ? AND status = 'scheduled' AND not_before <= ? ORDER BY idx LIMIT 1`,
        kind,
        now,
      )
      .toArray()[0];
    return found === undefined ? undefined : TaskRowSchema.parse(JSON.parse(taskColumns.parse(found).row));
  }

  /** When the next scheduled task of a kind that may not be claimed at `now` may be, in ms; undefined when there is none. */
  nextDue(kind: TaskKind, now: number): number | undefined {
    const found = this.#sql.exec(
      `SELECT min(not_before) AS due FROM task INDEXED BY task_later
       WHERE kind = ? AND status = 'scheduled' AND not_before > 0 AND not_before > ?`,
      kind,
      now,
    );
    return DueSchema.parse(found.one()).due ?? undefined;
  }

  /** Of the tasks of a kind that have a single open attempt, which is live: the one whose attempt has run longest, and since when. */
  longestAlone(kind: TaskKind): { index: number; since: number } | undefined {
    const found = this.#sql.exec(
      `SELECT idx AS "index", min(started) AS since FROM attempt WHERE status IN ('live', 'revoked') AND kind = ?
       GROUP BY idx HAVING count(*) = 1 AND min(status) = 'live' ORDER BY since LIMIT 1`,
      kind,
    );
    return AloneSchema.parse(found.toArray())[0];
  }

  /** The indices of failed maps, the first `limit` of them. */
  failedMaps(limit: number): number[] {
    return this.#sql
      .exec("SELECT idx FROM task WHERE kind = 'map' AND status = 'failed' ORDER BY idx LIMIT ?", limit)
      .toArray()
      .map(({ idx }) => Int.parse(idx));
  }

  /** All tasks but the cleaning that have not ended become `stopped`. */
  stopTasks(now: number): void {
    this.#sql.exec(
      `UPDATE task SET status = 'stopped', row = json_set(row, '$.status', 'stopped', '$.endedAt', ?)
       WHERE kind != 'clean' AND status IN ('scheduled', 'in-progress')`,
      now,
    );
  }

  /** What a map reads. */
  input(map: number): MapInput {
    const found = this.#sql.exec("SELECT ranges FROM input WHERE map = ?", map).one();
    return MapInputSchema.parse(JSON.parse(Text.parse(found["ranges"])));
  }

  saveOutput(kind: TaskKind, index: number, output: StoredOutput, lengths?: readonly number[]): void {
    this.#sql.exec(
      "UPDATE task SET output = ?, segments = ? WHERE kind = ? AND idx = ?",
      JSON.stringify(output),
      lengths === undefined ? null : indexOf(lengths),
      kind,
      index,
    );
  }

  /** The stored outputs of completed tasks `from` (inclusive) to `to` (exclusive). */
  outputs(kind: TaskKind, from: number, to: number): { index: number; winner: string; output: StoredOutput }[] {
    return this.#sql
      .exec(
        "SELECT idx, winner, output FROM task WHERE kind = ? AND idx >= ? AND idx < ? AND status = 'completed' ORDER BY idx",
        kind,
        from,
        to,
      )
      .toArray()
      .map((row) => ({
        index: Int.parse(row["idx"]),
        winner: Text.parse(row["winner"]),
        output: StoredOutputSchema.parse(JSON.parse(Text.parse(row["output"]))),
      }));
  }

  /**
   * The segments of a partition in the outputs of at most `limit` maps from `from` on, in order, without empty ones and those
   * of failed maps.
   * @returns undefined when one of these maps has no output at the moment
   */
  segments(
    partition: number,
    from: number,
    limit: number,
  ): { segments: SegmentRef[]; next: number | null } | undefined {
    const rows = this.#sql
      .exec(
        `SELECT idx, status, winner, json_extract(output, '$.path') AS path,
           json_extract(output, '$.largestBlock') AS largestBlock, substr(segments, ?, ?) AS range
         FROM task WHERE kind = 'map' AND idx >= ? ORDER BY idx LIMIT ?`,
        partition * offsetBytes + 1,
        2 * offsetBytes,
        from,
        limit,
      )
      .toArray();
    const segments: SegmentRef[] = [];
    for (const row of rows) {
      if (row["status"] === "failed") continue;
      if (row["status"] !== "completed" || !(row["range"] instanceof ArrayBuffer)) return undefined;
      const range = new DataView(row["range"]);
      const offset = range.getFloat64(0);
      const length = range.getFloat64(offsetBytes) - offset;
      if (length > 0) {
        const { idx, winner, path, largestBlock } = row;
        segments.push(SegmentRefSchema.parse({ map: idx, attempt: winner, path, offset, length, largestBlock }));
      }
    }
    return { segments, next: rows.length < limit ? null : from + limit };
  }

  /** The path of the first map output that there is, undefined while there is none. */
  firstMapOutput(): string | undefined {
    const found = this.#sql
      .exec("SELECT json_extract(output, '$.path') AS path FROM task WHERE kind = 'map' AND output IS NOT NULL LIMIT 1")
      .toArray()[0];
    return found === undefined ? undefined : Text.parse(found["path"]);
  }

  /** The bytes that each partition has in all map outputs. */
  partitionBytes(partitions: number): Float64Array {
    const bytes = new Float64Array(partitions);
    for (const row of this.#sql.exec("SELECT segments FROM task WHERE kind = 'map' AND segments IS NOT NULL")) {
      if (!(row["segments"] instanceof ArrayBuffer)) continue;
      const offsets = new DataView(row["segments"]);
      for (let r = 0; r < partitions; r++) {
        const length = offsets.getFloat64((r + 1) * offsetBytes) - offsets.getFloat64(r * offsetBytes);
        bytes[r] = (bytes[r] ?? 0) + length;
      }
    }
    return bytes;
  }

  /**
   * Tasks of a kind below `before`, highest first, with what their view needs: of a map that reads a single range, that one,
   * else null.
   */
  tasksBelow(
    kind: TaskKind,
    before: number,
    limit: number,
  ): { row: TaskRow; range: InputRange | null; inputBytes: number }[] {
    return this.#sql
      .exec(
        `SELECT row, input_bytes, CASE count WHEN 1 THEN ranges END AS ranges
         FROM task LEFT JOIN input ON kind = 'map' AND map = idx WHERE kind = ? AND idx < ? ORDER BY idx DESC LIMIT ?`,
        kind,
        before,
        limit,
      )
      .toArray()
      .map((found) => ({
        row: TaskRowSchema.parse(JSON.parse(Text.parse(found["row"]))),
        range: found["ranges"] === null ? null : firstOf(found["ranges"]),
        inputBytes: Numeric.parse(found["input_bytes"]),
      }));
  }

  // ---- attempts

  addAttempt(attempt: AttemptRow, leaseUntil: number): void {
    this.#sql.exec(
      "INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
      attempt.id,
      attempt.kind,
      attempt.index,
      attempt.runnerId,
      attempt.status,
      attempt.startedAt,
      leaseUntil,
    );
  }

  saveAttempt(attempt: AttemptRow): void {
    this.#sql.exec("UPDATE attempt SET status = ? WHERE id = ?", attempt.status, attempt.id);
  }

  attempt(id: string): AttemptRow | undefined {
    return this.#attempts("WHERE id = ?", id)[0];
  }

  openAttemptsOf(runnerId: string): AttemptRow[] {
    return this.#attempts("WHERE status IN ('live', 'revoked') AND runner = ?", runnerId);
  }

  endedAttemptsOf(runnerId: string): AttemptRow[] {
    return this.#attempts("WHERE status = 'ended' AND runner = ?", runnerId);
  }

  overdueAttempts(now: number): AttemptRow[] {
    return this.#attempts("WHERE status IN ('live', 'revoked') AND lease_until <= ?", now);
  }

  /** Whether the end of the runner's connection was not noticed, as far as this attempt goes. */
  isLinked(id: string): boolean {
    return this.#sql.exec("SELECT 1 FROM attempt WHERE id = ? AND linked = 1", id).toArray().length > 0;
  }

  /** Marks live attempts as revoked, those of one task or all. @returns them */
  revoke(task: { kind: TaskKind; index: number } | "all"): AttemptRow[] {
    const live =
      task === "all"
        ? this.#attempts("WHERE status IN ('live', 'revoked') AND status = 'live'")
        : this.#attempts(
            "WHERE status IN ('live', 'revoked') AND status = 'live' AND kind = ? AND idx = ?",
            task.kind,
            task.index,
          );
    for (const attempt of live) this.saveAttempt({ ...attempt, status: "revoked" });
    return live;
  }

  /** @param linked whether the runner is connected */
  setLease(id: string, until: number, linked: boolean): void {
    this.#sql.exec("UPDATE attempt SET lease_until = ?, linked = ? WHERE id = ?", until, linked ? 1 : 0, id);
  }

  /** When the first lease of an open attempt ends, in ms. */
  nextLeaseEnd(): number | undefined {
    const found = this.#sql.exec("SELECT min(lease_until) AS due FROM attempt WHERE status IN ('live', 'revoked')");
    return DueSchema.parse(found.one()).due ?? undefined;
  }

  #attempts(where: string, ...values: (string | number)[]): AttemptRow[] {
    return this.#sql
      .exec(
        `SELECT id, kind, idx AS "index", runner AS runnerId, status, started AS startedAt FROM attempt ${where}`,
        ...values,
      )
      .toArray()
      .map((row) => AttemptRowSchema.parse(row));
  }

  // ---- uploads

  addUpload(attempt: string, path: string, uploadId: string): void {
    this.#sql.exec("INSERT OR IGNORE INTO upload (attempt, path, upload_id) VALUES (?, ?, ?)", attempt, path, uploadId);
  }

  uploads(after: number, limit: number): z.infer<typeof UploadRowSchema>[] {
    return UploadsSchema.parse(
      this.#sql
        .exec("SELECT id, path, upload_id AS uploadId FROM upload WHERE id > ? ORDER BY id LIMIT ?", after, limit)
        .toArray(),
    );
  }

  /** Notes that these uploads, all those above `after` up to `last`, were handed to a cleaning. */
  handUploads(after: number, last: number, cleaning: string): void {
    this.#sql.exec("UPDATE upload SET handed_to = ? WHERE id > ? AND id <= ?", cleaning, after, last);
  }

  /** Whether there is an upload that this cleaning was not told of. */
  hasOtherUploads(cleaning: string): boolean {
    return this.#sql.exec("SELECT 1 FROM upload WHERE handed_to IS NOT ? LIMIT 1", cleaning).toArray().length > 0;
  }

  /** Forgets an upload that has become an output. */
  forgetUpload(attempt: string, path: string, uploadId: string): void {
    this.#sql.exec("DELETE FROM upload WHERE attempt = ? AND path = ? AND upload_id = ?", attempt, path, uploadId);
  }
}
