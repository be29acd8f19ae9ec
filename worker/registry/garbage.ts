import { z } from "zod";
import { rowsOf } from "../platform/sql.ts";
import { earliest, retryDelay } from "./due.ts";

/**
 * Garbage: what must be deleted from R2, again and again until that succeeds. Owns the table `garbage`.
 */

/** R2 deletes at most so many objects at once. */
const batch = 1000;

const GarbageRowSchema = z.object({ key: z.string(), upload_id: z.string().nullable(), tries: z.int() });

/** Discards content that no artifact has and no job pins. */
export const discardUnused = (sql: SqlStorage, key: string, now: number): void => {
  sql.exec(
    `INSERT OR IGNORE INTO garbage (key, due) SELECT ?1, ?2
     WHERE NOT EXISTS (SELECT 1 FROM artifact WHERE key = ?1) AND NOT EXISTS (SELECT 1 FROM pin WHERE key = ?1)`,
    key,
    now,
  );
};

/** Discards content whose upload was given up. @param uploadId of the multipart upload that may be open */
export const discardUpload = (sql: SqlStorage, key: string, uploadId: string | null, now: number): void => {
  sql.exec("INSERT OR IGNORE INTO garbage (key, upload_id, due) VALUES (?, ?, ?)", key, uploadId, now);
};

/** When garbage is due next, in ms since 1970. */
export const nextGarbage = (sql: SqlStorage): number | undefined =>
  earliest(sql, "SELECT min(due) AS due FROM garbage");

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

/** Runs a deletion of some garbage; one that fails is due again later. @returns whether it worked */
const tryDeletion = async (
  sql: SqlStorage,
  rows: Garbage[],
  now: number,
  deletion: () => Promise<void>,
): Promise<boolean> => {
  try {
    await deletion();
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
    const isReady =
      upload_id === null || (await tryDeletion(sql, [row], now, async () => await abortUpload(bucket, key, upload_id)));
    if (isReady) ready.push(row);
  }
  if (ready.length === 0) return;
  if (await tryDeletion(sql, ready, now, async () => await bucket.delete(ready.map(({ key }) => key)))) {
    for (const { key } of ready) sql.exec("DELETE FROM garbage WHERE key = ?", key);
  }
};
