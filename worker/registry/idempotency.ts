import { z } from "zod";
import { rowsOf } from "../platform/sql.ts";
import { earliest } from "./due.ts";

/** Idempotency keys, and the jobs that they were used for. Owns the table `idempotency`. */

/** Milliseconds for which a key is remembered. */
const memory = 24 * 60 * 60 * 1000;

const KeyRowSchema = z.object({ fingerprint: z.string(), job_id: z.string() });

/** What a key was used for; undefined where it was not, or long ago. */
export const findKey = (sql: SqlStorage, key: string, now: number): z.infer<typeof KeyRowSchema> | undefined => {
  const query = "SELECT fingerprint, job_id FROM idempotency WHERE key = ? AND expires > ?";
  return rowsOf(sql, KeyRowSchema, query, key, now)[0];
};

/** Remembers what a key is used for. */
export const keepKey = (sql: SqlStorage, key: string, fingerprint: string, jobId: string, now: number): void => {
  const upsert = `INSERT INTO idempotency (key, fingerprint, job_id, expires) VALUES (?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, job_id = excluded.job_id, expires = excluded.expires`;
  sql.exec(upsert, key, fingerprint, jobId, now + memory);
};

/** Forgets the keys that a job was posted with. */
export const forgetKeys = (sql: SqlStorage, jobId: string): void => {
  sql.exec("DELETE FROM idempotency WHERE job_id = ?", jobId);
};

/** Forgets the keys whose time is over. */
export const forgetOldKeys = (sql: SqlStorage, now: number): void => {
  sql.exec("DELETE FROM idempotency WHERE expires <= ?", now);
};

/** When the next key is forgotten, in ms since 1970. */
export const nextOldKey = (sql: SqlStorage): number | undefined =>
  earliest(sql, "SELECT min(expires) AS due FROM idempotency");
