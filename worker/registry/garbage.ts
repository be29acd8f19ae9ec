import { rowsOf } from "../platform/sql.ts";
import { endTime, GarbageRowSchema } from "./schema.ts";
import { z } from "zod";

/** Milliseconds after which an upload that was not heard of is given up. It is heard of with every part. */
const uploadSilence = 60 * 60 * 1000;

/** R2 deletes at most so many objects at once. */
const batch = 1000;

/** The wait before another try to delete something, in milliseconds: a second, doubled each time, at most an hour. */
export const retryDelay = (tries: number): number => Math.min(60 * 60 * 1000, 1000 * 2 ** tries);

/** Puts content that nothing names and nothing pins among the garbage. */
export const discardUnused = (sql: SqlStorage, key: string, now: number): void => {
  sql.exec(
    `INSERT OR IGNORE INTO garbage (key, due) SELECT ?1, ?2
     WHERE NOT EXISTS (SELECT 1 FROM artifact WHERE key = ?1) AND NOT EXISTS (SELECT 1 FROM pin WHERE key = ?1)`,
    key,
    now,
  );
};

/** Puts an upload that will not be finished among the garbage. */
export const discardUpload = (sql: SqlStorage, key: string, now: number): void => {
  sql.exec(
    "INSERT OR IGNORE INTO garbage (key, upload_id, due) SELECT key, upload_id, ? FROM upload WHERE key = ?",
    now,
    key,
  );
  sql.exec("DELETE FROM upload WHERE key = ?", key);
};

/** Lets go of a job's pins, and of the content that only they held. */
export const unpin = (sql: SqlStorage, jobId: string, now: number): void => {
  const keys = rowsOf(sql, z.object({ key: z.string() }), "DELETE FROM pin WHERE job_id = ? RETURNING key", jobId);
  for (const { key } of keys) discardUnused(sql, key, now);
};

/** Removes all that is kept of a job but for its object. */
export const forgetJob = (sql: SqlStorage, jobId: string, now: number): void => {
  sql.exec("DELETE FROM job WHERE id = ?", jobId);
  sql.exec("DELETE FROM idempotency WHERE job_id = ?", jobId);
  unpin(sql, jobId, now);
};

/** Gives up what has waited for too long: silent uploads, jobs that never came into being, old idempotency keys. */
export const expire = (sql: SqlStorage, now: number): void => {
  const silent = "SELECT key FROM upload WHERE touched <= ?";
  for (const { key } of rowsOf(sql, z.object({ key: z.string() }), silent, now - uploadSilence))
    discardUpload(sql, key, now);
  const reserved = "SELECT id FROM job WHERE reserved_until <= ?";
  for (const { id } of rowsOf(sql, z.object({ id: z.string() }), reserved, now)) forgetJob(sql, id, now);
  sql.exec("DELETE FROM idempotency WHERE expires <= ?", now);
};

/**
 * When something is to be done next, in milliseconds since 1970; null when nothing waits.
 * @param retention how long ended jobs are kept, in ms; null where they are not to be removed
 */
export const nextDue = (sql: SqlStorage, retention: number | null): number | null => {
  const [times = {}] = rowsOf(
    sql,
    z.record(z.string(), z.number().nullable()),
    `SELECT (SELECT min(due) FROM garbage) AS garbage,
       (SELECT min(reserved_until) FROM job WHERE reserved_until IS NOT NULL) AS reservation,
       (SELECT min(touched) + ? FROM upload) AS upload,
       (SELECT min(expires) FROM idempotency) AS idempotency,
       (SELECT min(${endTime}) + ? FROM job WHERE ended = 1) AS job,
       (SELECT min(due) FROM leaving) AS leaving`,
    uploadSilence,
    retention,
  );
  const due = Object.values(times).filter((time) => time !== null);
  return due.length === 0 ? null : Math.min(...due);
};

type Bucket = Pick<R2Bucket, "delete" | "resumeMultipartUpload">;
type Garbage = z.infer<typeof GarbageRowSchema>;

/** Ends an open multipart upload; one that is completed or gone already is no error. */
const abortUpload = async (bucket: Bucket, key: string, uploadId: string): Promise<void> => {
  try {
    await bucket.resumeMultipartUpload(key, uploadId).abort();
  } catch (error) {
    // R2's code for NoSuchUpload.
    if (!(error instanceof Error && error.message.includes("10024"))) throw error;
  }
};

/** Runs a deletion of some garbage; says whether it worked, and if not, has it be tried again later. */
const attempt = async (sql: SqlStorage, rows: Garbage[], now: number, act: () => Promise<void>): Promise<boolean> => {
  try {
    await act();
    return true;
  } catch (error) {
    console.warn("R2 did not delete; it is tried again", error);
    for (const { key, tries } of rows) {
      sql.exec("UPDATE garbage SET tries = tries + 1, due = ? WHERE key = ?", now + retryDelay(tries), key);
    }
    return false;
  }
};

/** Deletes due garbage from R2. What fails stays, and is due again later. */
export const collectGarbage = async (sql: SqlStorage, bucket: Bucket, now: number): Promise<void> => {
  const query = "SELECT key, upload_id, tries FROM garbage WHERE due <= ? ORDER BY due LIMIT ?";
  const ready: Garbage[] = [];
  for (const row of rowsOf(sql, GarbageRowSchema, query, now, batch)) {
    const { key, upload_id } = row;
    if (upload_id === null || (await attempt(sql, [row], now, async () => await abortUpload(bucket, key, upload_id)))) {
      ready.push(row);
    }
  }
  if (ready.length === 0) return;
  if (await attempt(sql, ready, now, async () => await bucket.delete(ready.map(({ key }) => key)))) {
    for (const { key } of ready) sql.exec("DELETE FROM garbage WHERE key = ?", key);
  }
};
