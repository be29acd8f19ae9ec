import { z } from "zod";
import { programRoles } from "../../shared/protocol/tasks.ts";
import type { Items, JobFilter } from "../contracts.ts";
import { rowsOf } from "../platform/sql.ts";

/** Characters of a page of snapshots, so that it fits a message between objects however long its jobs are. */
const maxPageLength = 4 * 1024 * 1024;

/** Jobs that are looked through for one page, however few of them are what is asked for: the Registry has others to serve. */
const maxLookedThrough = 5000;

const SnapshotRowSchema = z.object({ id: z.string(), snapshot: z.string() });
const IdRowSchema = z.object({ id: z.string() });

/** A condition of SQL, and what it binds. */
type Condition = readonly [text: string, ...bindings: (string | number)[]];

const equals = (field: string, value: string | undefined): Condition[] =>
  value === undefined ? [] : [[`snapshot ->> '$.${field}' = ?`, value]];

const conditionsOf = (filter: JobFilter): Condition[] => {
  const { statuses, name, tags = [], program, submittedBy, cluster, since, until } = filter;
  const programs = programRoles.map((role) => `snapshot ->> '$.programs.${role}.name'`);
  return [
    ...(since === undefined ? [] : [["created_at >= ?", since] as const]),
    ...(until === undefined ? [] : [["created_at < ?", until] as const]),
    ...(statuses === undefined
      ? []
      : [["snapshot ->> '$.status' IN (SELECT value FROM json_each(?))", JSON.stringify(statuses)] as const]),
    ...equals("submittedBy", submittedBy),
    ...equals("cluster", cluster),
    ...(program === undefined ? [] : [[`? IN (${programs.join(", ")})`, program] as const]),
    ...(name === undefined ? [] : [["instr(lower(snapshot ->> '$.name'), lower(?)) > 0", name] as const]),
    // A key may have dots, which its path must not be cut at.
    ...tags.map(([key, value]) => [`snapshot ->> ? = ?`, `$.tags."${key}"`, value] as const),
  ];
};

/** Jobs as they were published, newest first; fewer than `limit` where they are long, or few are what is asked for. */
export const listJobs = (sql: SqlStorage, filter: JobFilter, after: string | null, limit: number): Items => {
  const before = after ?? "~";
  const conditions = conditionsOf(filter);
  const floor = conditions.length === 0 ? "" : floorOf(sql, before);
  const where = conditions.map(([text]) => ` AND ${text}`).join("");
  const query = `SELECT id, snapshot FROM job WHERE snapshot IS NOT NULL AND id < ? AND id >= ?${where} ORDER BY id DESC LIMIT ?`;
  const items: string[] = [];
  let length = 0;
  let last: string | null = null;
  // Read row by row, without an await, so that a page of long jobs is not held beyond its end.
  for (const row of sql.exec(query, before, floor, ...conditions.flatMap(([, ...bound]) => bound), limit + 1)) {
    const { id, snapshot } = SnapshotRowSchema.parse(row);
    if (items.length === limit || (items.length > 0 && length + snapshot.length > maxPageLength)) {
      return { items, next: last };
    }
    items.push(snapshot);
    length += snapshot.length;
    last = id;
  }
  return { items, next: floor === "" ? null : floor };
};

/** The id down to which jobs are looked through; empty where that is all of them. */
const floorOf = (sql: SqlStorage, before: string): string => {
  const query = "SELECT id FROM job WHERE id < ? ORDER BY id DESC LIMIT 1 OFFSET ?";
  return rowsOf(sql, IdRowSchema, query, before, maxLookedThrough - 1)[0]?.id ?? "";
};
