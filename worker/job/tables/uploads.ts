import { z } from "zod";
import { rowsOf } from "../../platform/sql.ts";

const UploadRowSchema = z.object({ id: z.int(), path: z.string(), uploadId: z.string() });
export type UploadRow = z.infer<typeof UploadRowSchema>;

/** The multipart uploads that were begun and have not become an output: table `upload`. */
export class UploadTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(attempt: string, path: string, uploadId: string): void {
    this.#sql.exec("INSERT OR IGNORE INTO upload (attempt, path, upload_id) VALUES (?, ?, ?)", attempt, path, uploadId);
  }

  /** At most `limit` uploads of which the id is above `after`. */
  page(after: number, limit: number): UploadRow[] {
    const query = "SELECT id, path, upload_id AS uploadId FROM upload WHERE id > ? ORDER BY id LIMIT ?";
    return rowsOf(this.#sql, UploadRowSchema, query, after, limit);
  }

  /** Notes that the uploads above `after` up to `last` were handed to a cleaning. */
  hand(after: number, last: number, cleaning: string): void {
    this.#sql.exec("UPDATE upload SET handed_to = ? WHERE id > ? AND id <= ?", cleaning, after, last);
  }

  /** Whether there is an upload that this cleaning was not told of. */
  hasOthers(cleaning: string): boolean {
    return this.#sql.exec("SELECT 1 FROM upload WHERE handed_to IS NOT ? LIMIT 1", cleaning).toArray().length > 0;
  }

  /** Forgets an upload that has become an output. */
  remove(attempt: string, path: string, uploadId: string): void {
    this.#sql.exec("DELETE FROM upload WHERE attempt = ? AND path = ? AND upload_id = ?", attempt, path, uploadId);
  }

  /** Forgets the uploads of an attempt that has completed all of them. */
  removeOf(attempt: string): void {
    this.#sql.exec("DELETE FROM upload WHERE attempt = ?", attempt);
  }

  clear(): void {
    this.#sql.exec("DELETE FROM upload");
  }
}
