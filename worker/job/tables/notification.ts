import { z } from "zod";
import { notificationStatuses } from "../../../shared/api/notification.ts";
import { rowsOf } from "../../platform/sql.ts";

const RowSchema = z.object({
  /** The sealed URL; null once it is not needed any more. */
  sealed: z.string().nullable(),
  status: z.enum(notificationStatuses),
  /** When the next try is, in ms since 1970; null before the job's end, and when there is none. */
  due: z.int().nullable(),
  attempts: z.int(),
  error: z.string().nullable(),
});
export type NotificationRow = z.infer<typeof RowSchema>;

/** How far the notification of the job's end is: table `notification`, which has a row where somebody is to be notified. */
export class NotificationTable {
  readonly #sql: SqlStorage;
  /** As it is stored; undefined until it is read, null where there is none. */
  #row: NotificationRow | null | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(): NotificationRow | null {
    if (this.#row === undefined) {
      this.#row =
        rowsOf(this.#sql, RowSchema, "SELECT sealed, status, due, attempts, error FROM notification")[0] ?? null;
    }
    return this.#row;
  }

  /** Reads it again: a transaction was undone, or everything was deleted. */
  forget(): void {
    this.#row = undefined;
  }

  /** @param sealed the URL */
  create(sealed: string): void {
    this.set({ sealed, status: "waiting", due: null, attempts: 0, error: null });
  }

  /** The job has ended: from now on its notification is tried. */
  begin(now: number): void {
    const row = this.get();
    if (row !== null) this.set({ ...row, due: now });
  }

  /** The job will have no other end: the URL is not needed once this one is told. */
  dropUrl(): void {
    const row = this.get();
    if (row !== null && row.status !== "waiting") this.set({ ...row, sealed: null });
  }

  /** The job goes on, and will have another end. */
  reset(): void {
    const row = this.get();
    if (row?.sealed != null) this.create(row.sealed);
  }

  remove(): void {
    this.#sql.exec("DELETE FROM notification");
    this.#row = null;
  }

  set(row: NotificationRow): void {
    this.#sql.exec("DELETE FROM notification");
    this.#sql.exec(
      "INSERT INTO notification (sealed, status, due, attempts, error) VALUES (?, ?, ?, ?, ?)",
      row.sealed,
      row.status,
      row.due,
      row.attempts,
      row.error,
    );
    this.#row = row;
  }
}
