import { z } from "zod";
import type { Condition } from "../../../shared/api/jobs.ts";
import type { LauncherCondition } from "../../../shared/protocol/agent.ts";
import { rowsOf } from "../../platform/sql.ts";

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

  /** Sets a condition. `since` stays while the condition does. @param fromLauncher whether the agent says so */
  set(type: string, message: string, now: number, fromLauncher = false): void {
    this.#sql.exec(
      `INSERT INTO condition (type, message, since, launcher) VALUES (?, ?, ?, ?)
       ON CONFLICT (type) DO UPDATE SET message = excluded.message, launcher = excluded.launcher`,
      type,
      message,
      now,
      fromLauncher ? 1 : 0,
    );
  }

  /** @returns whether there was such a condition */
  drop(type: string): boolean {
    return this.#sql.exec("DELETE FROM condition WHERE type = ? RETURNING type", type).toArray().length > 0;
  }

  /** Sets all conditions that the agent speaks of, in place of those before. */
  setLauncher(conditions: readonly LauncherCondition[], now: number): void {
    const types = JSON.stringify(conditions.map(({ type }) => type));
    this.#sql.exec("DELETE FROM condition WHERE launcher = 1 AND type NOT IN (SELECT value FROM json_each(?))", types);
    for (const { type, message } of conditions) this.set(type, message, now, true);
  }
}
