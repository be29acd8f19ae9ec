import { z } from "zod";
import type { Job } from "../../shared/api/jobs.ts";
import { forgetKeys } from "./idempotency.ts";
import { rowsOf } from "../platform/sql.ts";
import { unpin } from "./pins.ts";

/** The list of jobs, as their objects have published them. Owns the table `job`. */

/** Characters that surely fit a row; a longer snapshot is stored without the programs' own counters. */
const maxSnapshotLength = 500_000;

/** The URLs of outputs follow from the rest, and the request and the files stay with the job's object. */
const snapshotOf = (job: Job): string => {
  const listed = {
    ...job,
    outputs: [],
    request: undefined,
    files: undefined,
    archives: undefined,
    notification: undefined,
  };
  const stored = JSON.stringify(listed);
  if (stored.length <= maxSnapshotLength) return stored;
  return JSON.stringify({ ...listed, counters: { ...job.counters, user: {} } });
};

/** Notes that a job's object exists. Never overwrites what the object itself has published. */
export const confirmJob = (sql: SqlStorage, job: Job): void => {
  sql.exec(
    `INSERT INTO job (id, created_at, cluster, snapshot) VALUES (?, ?, ?, ?) ON CONFLICT (id)
     DO UPDATE SET snapshot = coalesce(job.snapshot, excluded.snapshot), reserved_until = NULL`,
    job.id,
    job.startTime,
    job.cluster,
    snapshotOf(job),
  );
};

/**
 * Stores what the list shows of a job, unless something newer is there.
 * @param version grows with every state that the job tells of
 * @param ended whether the job needs its programs no more, and never will again
 */
export const publishJob = (sql: SqlStorage, job: Job, version: number, ended: boolean, now: number): void => {
  sql.exec(
    `INSERT INTO job (id, created_at, cluster, version, ended, snapshot) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
     SET snapshot = excluded.snapshot, cluster = excluded.cluster, version = excluded.version, ended = excluded.ended, reserved_until = NULL
     WHERE excluded.version >= job.version`,
    job.id,
    job.startTime,
    job.cluster,
    version,
    ended ? 1 : 0,
    snapshotOf(job),
  );
  if (ended) unpin(sql, job.id, now);
};

/** Notes that a job's object exists, which has not told its state yet. */
export const noteExistence = (sql: SqlStorage, id: string): void => {
  sql.exec("UPDATE job SET reserved_until = NULL WHERE id = ?", id);
};

/** Whether a job is known, and needs its programs still. */
export const isOpen = (sql: SqlStorage, id: string): boolean =>
  sql.exec("SELECT 1 FROM job WHERE id = ? AND ended = 0", id).toArray().length > 0;

const CountSchema = z.object({ jobs: z.int() });

/** How many jobs of a cluster have not ended, those included that are about to be created. */
export const countOpenJobs = (sql: SqlStorage, cluster: string): number =>
  rowsOf(sql, CountSchema, "SELECT count(*) AS jobs FROM job WHERE cluster = ? AND ended = 0", cluster)[0]?.jobs ?? 0;

/** Removes all that is kept of a job except its object. */
export const forgetJob = (sql: SqlStorage, id: string, now: number): void => {
  sql.exec("DELETE FROM job WHERE id = ?", id);
  forgetKeys(sql, id);
  unpin(sql, id, now);
};
