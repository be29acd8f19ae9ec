import type { Schema } from "../platform/migrations.ts";

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
    // The index of each map's output was one BLOB of float64s. It is cut into chunks of 32 partitions, whose offsets are the same
    // bytes: a chunk has 256 bytes, and the next chunk's first offset. Nobody reads those of a released job; one map's tells its
    // folder.
    `CREATE TABLE segment (
       chunk INTEGER NOT NULL, map INTEGER NOT NULL, output TEXT, offsets BLOB NOT NULL,
       PRIMARY KEY (chunk, map)) WITHOUT ROWID;
     INSERT INTO segment
       WITH RECURSIVE chunks (chunk) AS (
         SELECT 0 UNION ALL SELECT chunk + 1 FROM chunks, job WHERE (chunk + 1) * 32 < job.row ->> '$.nReducers')
       SELECT chunk, idx,
         iif(chunk = 0, json_array(winner, output ->> '$.path', coalesce(output ->> '$.largestBlock', 0)), NULL),
         substr(segments, chunk * 256 + 1, 256 + 8)
       FROM task CROSS JOIN chunks WHERE kind = 'map' AND status = 'completed' AND segments IS NOT NULL
       LIMIT coalesce((SELECT iif(row ->> '$.released', 1, -1) FROM job), 0);
     ALTER TABLE task DROP COLUMN segments;
     ALTER TABLE task ADD COLUMN started INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE task ADD COLUMN took INTEGER;
     UPDATE task SET started = coalesce(row ->> '$.startedAt', 0),
       took = iif(status = 'scheduled' OR row ->> '$.attempts' = 0, 0, (row ->> '$.endedAt') - (row ->> '$.startedAt'));
     CREATE TABLE creation (
       plan TEXT NOT NULL, next INTEGER NOT NULL, page INTEGER NOT NULL, part INTEGER NOT NULL, at INTEGER NOT NULL,
       start INTEGER NOT NULL);
     DROP INDEX task_queue;
     CREATE INDEX task_queue ON task (kind, idx) WHERE status = 'scheduled';
     CREATE INDEX task_failed ON task (kind, idx) WHERE status = 'failed';
     DROP INDEX attempt_open;
     ALTER TABLE attempt ADD COLUMN ended INTEGER;
     ALTER TABLE attempt ADD COLUMN outcome TEXT;
     ALTER TABLE attempt ADD COLUMN detail TEXT;
     ALTER TABLE attempt ADD COLUMN log INTEGER;
     UPDATE attempt SET outcome = iif(status = 'won', 'won', 'lost') WHERE status IN ('won', 'ended');
     CREATE TABLE notification (
       sealed TEXT, status TEXT NOT NULL, due INTEGER, attempts INTEGER NOT NULL, error TEXT);
     CREATE TABLE journal (id INTEGER PRIMARY KEY, nth INTEGER NOT NULL, event TEXT NOT NULL);
     CREATE TABLE progress (id INTEGER PRIMARY KEY, nth INTEGER NOT NULL, event TEXT NOT NULL);
     INSERT INTO journal
       SELECT 1, 1, json_object('id', 1, 'time', coalesce(row ->> '$.endedAt', unixepoch() * 1000), 'kind', 'job',
         'status', row ->> '$.status', 'error', row -> '$.error')
       FROM job;`,
  ],
};
