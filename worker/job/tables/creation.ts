import { z } from "zod";
import { rowsOf } from "../../platform/sql.ts";

/** Where the cutting of an input has arrived. */
const CreationSchema = z.object({
  /** The attempt that listed the input. */
  plan: z.string(),
  /** The index of the next map. */
  next: z.int(),
  /** The object that the next map begins with, by its place in the listing, and from which byte on. */
  page: z.int(),
  part: z.int(),
  at: z.int(),
  start: z.int(),
});
export type Creation = z.infer<typeof CreationSchema>;

/** How far the maps are created: table `creation`, which has a row while some are missing. */
export class CreationTable {
  readonly #sql: SqlStorage;
  /** As it is stored; undefined until it is read, null where there is none. */
  #creation: Creation | null | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(): Creation | null {
    if (this.#creation === undefined) {
      this.#creation =
        rowsOf(this.#sql, CreationSchema, "SELECT plan, next, page, part, at, start FROM creation")[0] ?? null;
    }
    return this.#creation;
  }

  /** Reads it again: a transaction was undone. */
  forget(): void {
    this.#creation = undefined;
  }

  set({ plan, next, page, part, at, start }: Creation): void {
    this.clear();
    const insert = "INSERT INTO creation (plan, next, page, part, at, start) VALUES (?, ?, ?, ?, ?, ?)";
    this.#sql.exec(insert, plan, next, page, part, at, start);
    this.#creation = { plan, next, page, part, at, start };
  }

  clear(): void {
    this.#sql.exec("DELETE FROM creation");
    this.#creation = null;
  }
}
