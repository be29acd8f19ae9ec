import { z } from "zod";
import type { Condition } from "../../../shared/api/jobs.ts";
import { rowsOf } from "../../platform/sql.ts";

const TypeSchema = z.object({ type: z.string() });
const ConditionRowSchema = z.object({ type: z.string(), message: z.string(), since: z.int() });

/** What keeps the job from going on, or should be known of it: table `condition`. */
export class ConditionTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The conditions, oldest first. */
  all(): Condition[] {
    return rowsOf(this.#sql, ConditionRowSchema, "SELECT type, message, since FROM condition ORDER BY since, type");
  }

  /**
   * Sets a condition. `since` stays while the condition does.
   * @param fromLauncher whether the agent says so
   * @returns whether it is new, or says something else than before
   */
  set(type: string, message: string, now: number, fromLauncher = false): boolean {
    const query = `INSERT INTO condition (type, message, since, launcher) VALUES (?, ?, ?, ?)
      ON CONFLICT (type) DO UPDATE SET message = excluded.message, launcher = excluded.launcher
        WHERE message != excluded.message OR launcher != excluded.launcher
      RETURNING type`;
    return this.#sql.exec(query, type, message, now, fromLauncher ? 1 : 0).toArray().length > 0;
  }

  /** @returns whether there was such a condition */
  drop(type: string): boolean {
    return this.#sql.exec("DELETE FROM condition WHERE type = ? RETURNING type", type).toArray().length > 0;
  }

  /** Drops the conditions that the agent has spoken of, except those of the types that it still does. @returns their types */
  dropLauncher(except: readonly string[]): string[] {
    const query = `DELETE FROM condition WHERE launcher = 1 AND type NOT IN (SELECT value FROM json_each(?))
      RETURNING type`;
    return rowsOf(this.#sql, TypeSchema, query, JSON.stringify(except)).map(({ type }) => type);
  }
}
