import { z } from "zod";
import { addCounters, noCounters, type CountersSnapshot } from "../../../shared/counters.ts";
import { freshTask, TaskRowSchema, type TaskRow } from "../../../shared/engine/machine.ts";
import { MapInputSchema, type MapInput } from "../../../shared/protocol/tasks.ts";
import { bytesOf } from "../../../shared/splits.ts";
import type { TaskKind } from "../../../shared/status.ts";
import { rowsOf } from "../../platform/sql.ts";

/** An upload of a map or a reduce that waits for its commit. An empty output has none. */
const StoredOutputSchema = z.object({
  path: z.string(),
  uploadId: z.string().default(""),
  tags: z.array(z.string()).default([]),
});
export type StoredOutput = z.input<typeof StoredOutputSchema>;

// Schemas are made once: to make one takes longer than to parse with it.
const JsonRowSchema = z.object({ row: z.string() });
const DueSchema = z.object({ due: z.number().nullable() });
const RangesSchema = z.object({ ranges: z.string() });
const OutputRowSchema = z.object({ idx: z.int(), winner: z.string(), output: z.string() });
const IndexSchema = z.object({ idx: z.int() });

const keyOf = (kind: TaskKind, index: number): string => `${kind} ${index}`;

/** How long a task has taken, in ms; null while it is in progress. One that nobody has claimed takes no time. */
const tookOf = ({ status, attempts, startedAt, endedAt }: TaskRow): number | null => {
  if (status === "scheduled" || attempts === 0) return 0;
  return endedAt === null ? null : Math.max(0, endedAt - startedAt);
};

export const parseTask = (text: string): TaskRow => TaskRowSchema.parse(JSON.parse(text));

/**
 * The tasks, tables `task` and `input`. The machine's rows are kept as JSON beside the columns that queries need.
 */
export class TaskTable {
  readonly #sql: SqlStorage;
  /** The rows of tasks that were saved as in progress: most of what is asked for. */
  readonly #running = new Map<string, TaskRow>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Looks everything up again: a transaction was undone. */
  forget(): void {
    this.#running.clear();
  }

  /** Inserts `total` tasks like `first`, with its index and those that follow. */
  addAll(first: TaskRow, total: number): void {
    this.#sql.exec(
      `WITH RECURSIVE indices(idx) AS (SELECT ? UNION ALL SELECT idx + 1 FROM indices WHERE idx + 1 < ?)
       INSERT INTO task (kind, idx, status, not_before, winner, started, took, row)
       SELECT ?, idx, ?, ?, NULL, ?, ?, json_set(?, '$.index', idx) FROM indices`,
      first.index,
      first.index + total,
      first.kind,
      first.status,
      first.notBefore,
      first.startedAt,
      tookOf(first),
      JSON.stringify(first),
    );
  }

  /** Inserts a map. Its ranges have a table of their own: they can be long, and a task is written again with each change. */
  addMap(row: TaskRow, input: MapInput): void {
    this.#sql.exec(
      `INSERT INTO task (kind, idx, status, not_before, winner, started, took, row, input_bytes)
       VALUES (?, ?, ?, ?, NULL, ?, ?, ?, ?)`,
      row.kind,
      row.index,
      row.status,
      row.notBefore,
      row.startedAt,
      tookOf(row),
      JSON.stringify(row),
      bytesOf(input),
    );
    this.#sql.exec(
      "INSERT INTO input (map, count, ranges) VALUES (?, ?, ?)",
      row.index,
      input.length,
      JSON.stringify(input),
    );
  }

  get(kind: TaskKind, index: number): TaskRow {
    const running = this.#running.get(keyOf(kind, index));
    if (running !== undefined) return running;
    const found = this.#sql.exec("SELECT row FROM task WHERE kind = ? AND idx = ?", kind, index).one();
    return parseTask(JsonRowSchema.parse(found).row);
  }

  save(row: TaskRow): void {
    this.#sql.exec(
      `UPDATE task SET status = ?, not_before = ?, winner = ?, started = ?, took = ?, row = ?
       WHERE kind = ? AND idx = ?`,
      row.status,
      row.notBefore,
      row.winner,
      row.startedAt,
      tookOf(row),
      JSON.stringify(row),
      row.kind,
      row.index,
    );
    const key = keyOf(row.kind, row.index);
    if (row.status === "in-progress") this.#running.set(key, row);
    else this.#running.delete(key);
  }

  /** The first scheduled task of a kind, from index `from` on, that may be claimed at `now`. */
  nextScheduled(kind: TaskKind, now: number, from = 0): TaskRow | undefined {
    const query = `SELECT row FROM task INDEXED BY task_queue
      WHERE kind = ? AND status = 'scheduled' AND not_before <= ? AND idx >= ? ORDER BY idx LIMIT 1`;
    const [found] = rowsOf(this.#sql, JsonRowSchema, query, kind, now, from);
    return found && parseTask(found.row);
  }

  /** How many tasks right behind an index may be claimed at `now`, at most `most`. */
  scheduledBehind(kind: TaskKind, index: number, most: number, now: number): number {
    const query = `SELECT idx FROM task INDEXED BY task_queue
      WHERE kind = ? AND status = 'scheduled' AND not_before <= ? AND idx > ? ORDER BY idx LIMIT ?`;
    const found = rowsOf(this.#sql, IndexSchema, query, kind, now, index, most);
    const gap = found.findIndex(({ idx }, i) => idx !== index + 1 + i);
    return gap === -1 ? found.length : gap;
  }

  /** Whether a task of a kind in `[from, to)` is known to be in progress. After a restart of the object few are. */
  isAnyRunning(kind: TaskKind, from: number, to: number): boolean {
    for (let index = from; index < to; index++) if (this.#running.has(keyOf(kind, index))) return true;
    return false;
  }

  /** When the next scheduled task of a kind that may not be claimed at `now` may be, in ms since 1970. */
  nextDue(kind: TaskKind, now: number): number | undefined {
    const query = `SELECT min(not_before) AS due FROM task INDEXED BY task_later
      WHERE kind = ? AND status = 'scheduled' AND not_before > 0 AND not_before > ?`;
    return rowsOf(this.#sql, DueSchema, query, kind, now)[0]?.due ?? undefined;
  }

  /** All tasks but the cleaning that have not ended become `stopped`. */
  stopAll(now: number): void {
    this.#running.clear();
    this.#sql.exec(
      `UPDATE task SET status = 'stopped', took = iif(status = 'scheduled', took, max(0, ?1 - started)),
         row = json_set(row, '$.status', 'stopped', '$.endedAt', ?1)
       WHERE kind != 'clean' AND status IN ('scheduled', 'in-progress')`,
      now,
    );
  }

  /** The tasks that have failed or were stopped are scheduled as though they were new, and so are these that are completed. */
  restart(completed: readonly TaskKind[]): void {
    const fields = Object.entries(freshTask);
    this.#sql.exec(
      `UPDATE task SET status = ?, not_before = ?, winner = NULL, output = NULL, took = 0,
         row = json_set(row, ${fields.map(([name]) => `'$.${name}', json(?)`).join(", ")})
       WHERE status IN ('stopped', 'failed') OR (status = 'completed' AND kind IN (SELECT value FROM json_each(?)))`,
      freshTask.status,
      freshTask.notBefore,
      ...fields.map(([, value]) => JSON.stringify(value)),
      JSON.stringify(completed),
    );
  }

  /** The sums of what the completed tasks of a kind have counted. Reads all of them. */
  sumCounters(kind: TaskKind): CountersSnapshot {
    const query = "SELECT row FROM task WHERE kind = ? AND status = 'completed'";
    let sums = noCounters;
    // Read row by row, as there may be many.
    for (const row of this.#sql.exec(query, kind)) {
      sums = addCounters(sums, parseTask(JsonRowSchema.parse(row).row).counters);
    }
    return sums;
  }

  /** What a map reads. */
  input(map: number): MapInput {
    const found = this.#sql.exec("SELECT ranges FROM input WHERE map = ?", map).one();
    return MapInputSchema.parse(JSON.parse(RangesSchema.parse(found).ranges));
  }

  setInputBytes(kind: TaskKind, index: number, bytes: number): void {
    this.#sql.exec("UPDATE task SET input_bytes = ? WHERE kind = ? AND idx = ?", bytes, kind, index);
  }

  /** Adds to the bytes that a task reads. */
  addInputBytes(kind: TaskKind, index: number, bytes: number): void {
    this.#sql.exec("UPDATE task SET input_bytes = input_bytes + ? WHERE kind = ? AND idx = ?", bytes, kind, index);
  }

  setOutput(kind: TaskKind, index: number, output: StoredOutput): void {
    this.#sql.exec("UPDATE task SET output = ? WHERE kind = ? AND idx = ?", JSON.stringify(output), kind, index);
  }

  /** The stored outputs of the completed tasks from `from` (inclusive) to `to` (exclusive). */
  outputs(kind: TaskKind, from: number, to: number): (z.output<typeof StoredOutputSchema> & Winner)[] {
    const query = `SELECT idx, winner, output FROM task
      WHERE kind = ? AND idx >= ? AND idx < ? AND status = 'completed' ORDER BY idx`;
    return rowsOf(this.#sql, OutputRowSchema, query, kind, from, to).map(({ idx, winner, output }) => ({
      index: idx,
      attempt: winner,
      ...StoredOutputSchema.parse(JSON.parse(output)),
    }));
  }

  /** The indices of at most `limit` completed tasks of a kind above `after`, the lowest first. */
  completed(kind: TaskKind, after: number, limit: number): number[] {
    const query = "SELECT idx FROM task WHERE kind = ? AND idx > ? AND status = 'completed' ORDER BY idx LIMIT ?";
    return rowsOf(this.#sql, IndexSchema, query, kind, after, limit).map(({ idx }) => idx);
  }

  /** The indices of at most `limit` failed tasks of a kind, the lowest first. */
  failed(kind: TaskKind, limit: number): number[] {
    const query = "SELECT idx FROM task WHERE kind = ? AND status = 'failed' ORDER BY idx LIMIT ?";
    return rowsOf(this.#sql, IndexSchema, query, kind, limit).map(({ idx }) => idx);
  }
}

type Winner = { readonly index: number; readonly attempt: string };
