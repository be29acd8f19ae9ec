import { rowsOf } from "../platform/sql.ts";
import { z } from "zod";
import { forgetJob, retryDelay } from "./garbage.ts";
import { endTime } from "./schema.ts";

/** Jobs that are dealt with at once, so that a list of thousands neither holds up the Registry nor one of them the others. */
const batch = 50;

const LeavingRowSchema = z.object({ id: z.string(), tries: z.int() });

/**
 * Takes jobs that have ended by `before` out of everything that the Registry knows, at most a batch of them, and writes down
 * that their objects are still to be erased: from here on nobody finds the way to them.
 */
export const retireJobs = (sql: SqlStorage, before: number, now: number): void => {
  const query = `SELECT id FROM job WHERE ended = 1 AND ${endTime} <= ? ORDER BY ${endTime} LIMIT ?`;
  for (const { id } of rowsOf(sql, z.object({ id: z.string() }), query, before, batch)) {
    forgetJob(sql, id, now);
    sql.exec("INSERT OR IGNORE INTO leaving (id, due) VALUES (?, ?)", id, now);
  }
};

/** Whether a job's time is over, so that nothing that it still says is to be kept. */
export const isLeaving = (sql: SqlStorage, id: string): boolean =>
  sql.exec("SELECT 1 FROM leaving WHERE id = ?", id).toArray().length > 0;

/**
 * Has the objects of due jobs erased. Each is forgotten only when it has confirmed that nothing of it is left; another try
 * follows until then, so that no end in between leaves an object that nobody remembers.
 *
 * @param erase whether the object is empty now; asked again of one that is, it says so again
 */
export const eraseLeaving = async (
  sql: SqlStorage,
  erase: (id: string) => Promise<boolean>,
  now: number,
): Promise<void> => {
  const query = "SELECT id, tries FROM leaving WHERE due <= ? ORDER BY due LIMIT ?";
  await Promise.all(
    rowsOf(sql, LeavingRowSchema, query, now, batch).map(async ({ id, tries }) => {
      try {
        if (await erase(id)) {
          sql.exec("DELETE FROM leaving WHERE id = ?", id);
          return;
        }
      } catch (error) {
        console.warn(`job ${id} could not be removed; it is tried again`, error);
      }
      sql.exec("UPDATE leaving SET tries = tries + 1, due = ? WHERE id = ?", now + retryDelay(tries), id);
    }),
  );
};
