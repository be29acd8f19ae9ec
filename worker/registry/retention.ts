import { z } from "zod";
import { rowsOf } from "../platform/sql.ts";
import { earliest, retryDelay } from "./due.ts";
import { forgetJob } from "./jobs.ts";
import { endTime } from "./schema.ts";

/** Retention: ended jobs are removed after a time, and their objects erased. Owns the table `leaving`. */

/** Jobs that are removed at once, so that a list of thousands neither holds up the Registry nor one of them the others. */
const batch = 50;

const IdRowSchema = z.object({ id: z.string() });
const LeavingRowSchema = z.object({ id: z.string(), tries: z.int() });

/**
 * Removes jobs that have ended by `before` from all that the Registry knows, at most a batch of them, and writes down that their
 * objects are still to be erased: from here on nobody finds them.
 */
export const retireJobs = (sql: SqlStorage, before: number, now: number): void => {
  const query = `SELECT id FROM job WHERE ended = 1 AND ${endTime} <= ? ORDER BY ${endTime} LIMIT ?`;
  for (const { id } of rowsOf(sql, IdRowSchema, query, before, batch)) leave(sql, id, now);
};

/** Removes one job likewise, if it will do nothing any more. @returns whether it is removed, now or before */
export const retireJob = (sql: SqlStorage, id: string, now: number): boolean => {
  if (isLeaving(sql, id)) return true;
  if (sql.exec("SELECT 1 FROM job WHERE id = ? AND ended = 1", id).toArray().length === 0) return false;
  leave(sql, id, now);
  return true;
};

const leave = (sql: SqlStorage, id: string, now: number): void => {
  forgetJob(sql, id, now);
  sql.exec("INSERT OR IGNORE INTO leaving (id, due) VALUES (?, ?)", id, now);
};

/** When the next ended job is to be removed, in ms since 1970. @param retention how long ended jobs are kept, in ms */
export const nextRetirement = (sql: SqlStorage, retention: number): number | undefined => {
  const ended = earliest(sql, `SELECT min(${endTime}) AS due FROM job WHERE ended = 1`);
  return ended === undefined ? undefined : ended + retention;
};

/** Whether a job was removed, and its object is still to be erased: nothing that it says is kept any more. */
export const isLeaving = (sql: SqlStorage, id: string): boolean =>
  sql.exec("SELECT 1 FROM leaving WHERE id = ?", id).toArray().length > 0;

/** When an object is to be erased next, in ms since 1970. */
export const nextErasure = (sql: SqlStorage): number | undefined =>
  earliest(sql, "SELECT min(due) AS due FROM leaving");

/**
 * Has the objects of due jobs erased. Each is forgotten only when it has confirmed that nothing of it is left; another try
 * follows until then, so that no failure in between leaves an object that nobody remembers.
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
