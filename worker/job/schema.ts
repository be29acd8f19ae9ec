import { z } from "zod";
import type { Schema } from "../platform/migrations.ts";
import { rowsOf } from "../platform/sql.ts";
import { saveSegments } from "./tables/segments.ts";

/** Bytes of an offset in the index of release 0.1.0: a float64. */
const offsetBytes = 8;

const IndexedMapSchema = z.object({
  idx: z.int(),
  winner: z.string(),
  path: z.string(),
  largest: z.int(),
  segments: z.instanceof(ArrayBuffer),
});

/** Cuts the index that release 0.1.0 kept whole for each map into the chunks of `segment`. */
const chunkSegments = (sql: SqlStorage): void => {
  const query = `SELECT idx, winner, output ->> '$.path' AS path, coalesce(output ->> '$.largestBlock', 0) AS largest, segments
    FROM task WHERE kind = 'map' AND status = 'completed' AND segments IS NOT NULL AND idx > ? ORDER BY idx LIMIT 1`;
  // One by one, as an index can have 800 KB.
  for (let after = -1; ;) {
    const [found] = rowsOf(sql, IndexedMapSchema, query, after);
    if (found === undefined) return;
    const { idx, winner, path, largest, segments } = found;
    const view = new DataView(segments);
    const offset = (r: number): number => view.getFloat64(r * offsetBytes);
    const count = segments.byteLength / offsetBytes - 1;
    const lengths = Array.from({ length: count }, (_, r) => offset(r + 1) - offset(r));
    saveSegments(sql, { map: idx, attempt: winner, output: { path, lengths, largestBlock: largest } });
    after = idx;
  }
};

/** The tables of a JobObject. */
export const jobSchema: Schema = {
  firstTable: "job",
  migrations: [
    // Release 0.1.0.
    `CREATE TABLE job (id INTEGER PRIMARY KEY CHECK (id = 1), spec TEXT NOT NULL, row TEXT NOT NULL, input_bytes INTEGER NOT NULL);
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
     CREATE TABLE outbox (target TEXT PRIMARY KEY, version INTEGER NOT NULL, due INTEGER, tries INTEGER NOT NULL);
     CREATE TABLE planned (
       attempt TEXT NOT NULL, page INTEGER NOT NULL, part INTEGER NOT NULL, bytes INTEGER NOT NULL, objects TEXT NOT NULL,
       PRIMARY KEY (attempt, page, part));`,
    (sql) => {
      sql.exec(`
        CREATE TABLE segment (
          chunk INTEGER NOT NULL, map INTEGER NOT NULL, attempt TEXT NOT NULL, path TEXT NOT NULL,
          largest_block INTEGER NOT NULL, offsets BLOB NOT NULL, PRIMARY KEY (chunk, map)) WITHOUT ROWID;
        CREATE TABLE creation (
          plan TEXT NOT NULL, next INTEGER NOT NULL, page INTEGER NOT NULL, part INTEGER NOT NULL, at INTEGER NOT NULL,
          start INTEGER NOT NULL);
        DROP INDEX task_queue;
        CREATE INDEX task_queue ON task (kind, idx) WHERE status = 'scheduled';
        DROP INDEX attempt_open;`);
      chunkSegments(sql);
      sql.exec("ALTER TABLE task DROP COLUMN segments");
    },
  ],
};
