import { z } from "zod";
import { rowsOf } from "../platform/sql.ts";
import { discardUpload } from "./garbage.ts";
import { earliest } from "./due.ts";

/** Uploads: content on its way to R2, known from its start so that it is never left there. Owns the table `upload`. */

/** Milliseconds after which an upload that was not heard of is given up. It is heard of with every part. */
const silence = 60 * 60 * 1000;

const UploadRowSchema = z.object({ upload_id: z.string().nullable() });
const KeyRowSchema = z.object({ key: z.string() });

/** Notes that content is about to be uploaded. Idempotent. */
export const beginUpload = (sql: SqlStorage, key: string, now: number): void => {
  sql.exec("INSERT OR IGNORE INTO upload (key, touched) VALUES (?, ?)", key, now);
};

/** Notes that an upload goes on, as a multipart upload. @returns false where it was given up in the meantime */
export const renewUpload = (sql: SqlStorage, key: string, uploadId: string, now: number): boolean =>
  sql.exec("UPDATE upload SET touched = ?, upload_id = ? WHERE key = ?", now, uploadId, key).rowsWritten > 0;

/** Notes that an upload is complete. @returns false where it was given up, or finished before */
export const finishUpload = (sql: SqlStorage, key: string): boolean =>
  sql.exec("DELETE FROM upload WHERE key = ?", key).rowsWritten > 0;

/** Discards an upload that will not be finished. */
export const giveUpUpload = (sql: SqlStorage, key: string, now: number): void => {
  const [upload] = rowsOf(sql, UploadRowSchema, "DELETE FROM upload WHERE key = ? RETURNING upload_id", key);
  if (upload !== undefined) discardUpload(sql, key, upload.upload_id, now);
};

/** Gives up the uploads that were not heard of for too long. */
export const giveUpSilentUploads = (sql: SqlStorage, now: number): void => {
  const query = "SELECT key FROM upload WHERE touched <= ?";
  for (const { key } of rowsOf(sql, KeyRowSchema, query, now - silence)) giveUpUpload(sql, key, now);
};

/** When the next upload has been silent for too long, in ms since 1970. */
export const nextSilentUpload = (sql: SqlStorage): number | undefined => {
  const touched = earliest(sql, "SELECT min(touched) AS due FROM upload");
  return touched === undefined ? undefined : touched + silence;
};
