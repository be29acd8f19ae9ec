import { z } from "zod";
import { rowsOf } from "../platform/sql.ts";
import { earliest } from "./due.ts";

/** Idempotency keys, each of its caller's own, and the jobs that they were used for. Owns the table `idempotency`. */

/** Milliseconds for which a key is remembered. */
const memory = 24 * 60 * 60 * 1000;

const KeyRowSchema = z.object({ fingerprint: z.string(), job_id: z.string() });

/** A key of a caller, by the caller's name. */
type CallerKey = { readonly caller: string; readonly key: string };

/** What a key was used for; undefined where it was not, or long ago. */
export const findKey = (
  sql: SqlStorage,
  { caller, key }: CallerKey,
  now: number,
): z.infer<typeof KeyRowSchema> | undefined => {
  const query = `SELECT fingerprint, job_id FROM idempotency WHERE caller IN (?, '') AND key = ? AND expires > ?
    ORDER BY caller DESC`;
  return rowsOf(sql, KeyRowSchema, query, caller, key, now)[0];
};

/** Remembers what a key is used for. */
export const keepKey = (
  sql: SqlStorage,
  { caller, key }: CallerKey,
  fingerprint: string,
  jobId: string,
  now: number,
): void => {
  const insert =
    "INSERT OR REPLACE INTO idempotency (caller, key, fingerprint, job_id, expires) VALUES (?, ?, ?, ?, ?)";
  sql.exec(insert, caller, key, fingerprint, jobId, now + memory);
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
