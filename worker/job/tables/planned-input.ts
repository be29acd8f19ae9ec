import { z } from "zod";
import { maxRangeText } from "../../../shared/limits.ts";
import { PlannedObjectSchema, type PlannedObject } from "../../../shared/protocol/tasks.ts";

const RowSchema = z.object({ page: z.int(), part: z.int(), objects: z.string() });
const ObjectsSchema = z.array(PlannedObjectSchema);

/**
 * The objects that a job's plan lists, until maps are cut of them. The pages that a runner sends are kept as they came, many
 * objects to a row: a row for each would take ten times as long.
 */
export class PlannedInput {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  create(): void {
    this.#sql.exec(`
      CREATE TABLE planned (
        attempt TEXT NOT NULL, page INTEGER NOT NULL, part INTEGER NOT NULL, bytes INTEGER NOT NULL, objects TEXT NOT NULL,
        PRIMARY KEY (attempt, page, part));
    `);
  }

  /** Stores a page of an attempt's listing, in place of an earlier one of that number; those of other attempts go. */
  save(attempt: string, page: number, objects: readonly PlannedObject[]): void {
    this.#sql.exec("DELETE FROM planned WHERE attempt != ? OR page = ?", attempt, page);
    let part = 0;
    for (const some of parts(objects)) {
      const bytes = some.reduce((sum, { size }) => sum + size, 0);
      const text = JSON.stringify(some);
      this.#sql.exec("INSERT INTO planned VALUES (?, ?, ?, ?, ?)", attempt, page, part++, bytes, text);
    }
  }

  /** The bytes of all objects. */
  bytes(attempt: string): number {
    const found = this.#sql.exec("SELECT coalesce(sum(bytes), 0) AS bytes FROM planned WHERE attempt = ?", attempt);
    return z.object({ bytes: z.number() }).parse(found.one()).bytes;
  }

  /**
   * What was listed, in order, but for the empty objects. Read row by row, as there may be millions; between two objects
   * anything but the list itself may be written.
   */
  *objects(attempt: string): Generator<PlannedObject, void, void> {
    let [page, part] = [-1, -1];
    for (;;) {
      const found = this.#sql
        .exec(
          `SELECT page, part, objects FROM planned
           WHERE attempt = ? AND (page, part) > (?, ?) ORDER BY page, part LIMIT 1`,
          attempt,
          page,
          part,
        )
        .toArray()[0];
      if (found === undefined) return;
      const row = RowSchema.parse(found);
      ({ page, part } = row);
      yield* ObjectsSchema.parse(JSON.parse(row.objects));
    }
  }

  forget(): void {
    this.#sql.exec("DELETE FROM planned");
  }
}

/** The objects that are not empty, in lists that are small enough for a row. */
function* parts(objects: readonly PlannedObject[]): Generator<PlannedObject[], void, void> {
  let some: PlannedObject[] = [];
  let text = 0;
  for (const object of objects) {
    if (object.size === 0) continue;
    const ownText = object.path.length + object.etag.length;
    if (some.length > 0 && text + ownText > maxRangeText) {
      yield some;
      some = [];
      text = 0;
    }
    some.push(object);
    text += ownText;
  }
  if (some.length > 0) yield some;
}
