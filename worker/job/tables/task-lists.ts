import { z } from "zod";
import type { TaskRow } from "../../../shared/engine/machine.ts";
import { MapInputSchema, type InputRange } from "../../../shared/protocol/tasks.ts";
import { statusLetters, taskStatuses, type TaskStatus } from "../../../shared/status.ts";
import { rowsOf } from "../../platform/sql.ts";
import { parseTask } from "./tasks.ts";

/** The kinds of tasks that are listed. */
export type ListedKind = "map" | "reduce";

export type TaskPlace = { readonly kind: ListedKind; readonly index: number };

/** A task with what its view needs. `range`: what a map reads, where that is a single range. */
export type ListedTask = { readonly row: TaskRow; readonly range: InputRange | null; readonly inputBytes: number };

/** By what tasks are sorted, besides their index: the largest first. */
export type TaskMeasure = "duration" | "startTime";
/** A task and its measure, in ms. */
export type MeasuredPlace = TaskPlace & { readonly value: number };

const ListedSchema = z.object({ row: z.string(), input_bytes: z.number(), ranges: z.string().nullable() });
const StatesSchema = z.object({ states: z.string() });
const MeasuredSchema = ListedSchema.extend({ value: z.number() });

/** In words that let SQLite use an index of tasks that are so, where there is one. */
const conditions: Readonly<Record<TaskStatus, string>> = {
  scheduled: "status = 'scheduled'",
  "in-progress":
    "status = 'in-progress' AND idx IN (SELECT idx FROM attempt WHERE status IN ('live', 'revoked') AND kind = task.kind)",
  completed: "status = 'completed'",
  failed: "status = 'failed'",
  stopped: "status = 'stopped'",
};

/** In columns of their own: to look into the row of each task would take most of the time. */
const measures: Readonly<Record<TaskMeasure, string>> = {
  duration: "coalesce(took, max(0, ?1 - started))",
  startTime: "started",
};

const columns = "row, input_bytes, CASE count WHEN 1 THEN ranges END AS ranges";
const withInput = "LEFT JOIN input ON kind = 'map' AND map = idx";

const listed = ({ row, ranges, input_bytes }: z.infer<typeof ListedSchema>): ListedTask => ({
  row: parseTask(row),
  range: ranges === null ? null : (MapInputSchema.parse(JSON.parse(ranges))[0] ?? null),
  inputBytes: input_bytes,
});

const conditionOf = (status: TaskStatus | undefined): string => (status === undefined ? "TRUE" : conditions[status]);

/** Lists of maps and reduces, in the orders that users ask for. */
export class TaskLists {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** At most `limit` tasks of a kind, up from index `from` or down from it, `from` itself left out. */
  byIndex(
    kind: ListedKind,
    direction: "up" | "down",
    from: number,
    status: TaskStatus | undefined,
    limit: number,
  ): ListedTask[] {
    const [beyond, order] = direction === "up" ? ["idx > ?", "idx"] : ["idx < ?", "idx DESC"];
    const query = `SELECT ${columns} FROM task ${withInput}
      WHERE kind = ? AND ${beyond} AND ${conditionOf(status)} ORDER BY ${order} LIMIT ?`;
    return rowsOf(this.#sql, ListedSchema, query, kind, from, limit).map(listed);
  }

  /** The statuses of all tasks of a kind, a letter each, by index. */
  states(kind: ListedKind): string {
    const cases = taskStatuses.map((status) => `WHEN '${status}' THEN '${statusLetters[status]}'`).join(" ");
    const query = `SELECT coalesce(group_concat(CASE status ${cases} END, ''), '') AS states
      FROM (SELECT status FROM task WHERE kind = ? ORDER BY idx)`;
    return rowsOf(this.#sql, StatesSchema, query, kind)[0]?.states ?? "";
  }

  /**
   * At most `limit` tasks after `after`, the largest measure first.
   * @param kind without it, both
   * @param now in ms since 1970: until then, tasks that have not ended have taken
   */
  byMeasure(
    measure: TaskMeasure,
    kind: ListedKind | undefined,
    after: MeasuredPlace | undefined,
    status: TaskStatus | undefined,
    limit: number,
    now: number,
  ): (ListedTask & { readonly value: number })[] {
    const kinds = kind === undefined ? "kind IN ('map', 'reduce')" : `kind = '${kind}'`;
    // The rows are looked up afterwards, so that those alone are that are asked for.
    const query = `SELECT ${columns}, value FROM (
        SELECT kind, idx, ${measures[measure]} AS value, ?1 AS now FROM task
        WHERE ${kinds} AND ${conditionOf(status)} AND (value, kind, idx) < (?2, ?3, ?4)
        ORDER BY value DESC, kind DESC, idx DESC LIMIT ?5)
      JOIN task USING (kind, idx) ${withInput} ORDER BY value DESC, kind DESC, idx DESC`;
    const { value, kind: last, index } = after ?? { value: Number.MAX_SAFE_INTEGER, kind: "", index: 0 };
    return rowsOf(this.#sql, MeasuredSchema, query, now, value, last, index, limit).map((row) => ({
      ...listed(row),
      value: row.value,
    }));
  }

  /** One task; undefined where there is none. */
  find({ kind, index }: TaskPlace): ListedTask | undefined {
    const query = `SELECT ${columns} FROM task ${withInput} WHERE kind = ? AND idx = ?`;
    return rowsOf(this.#sql, ListedSchema, query, kind, index).map(listed)[0];
  }
}
