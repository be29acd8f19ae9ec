import { z } from "zod";
import { maxRangeText } from "../../../shared/limits.ts";
import { rowsOf } from "../../platform/sql.ts";
import { PlannedObjectSchema, type PlannedObject } from "../../../shared/protocol/tasks.ts";

const BytesSchema = z.object({ bytes: z.number() });
const RowSchema = z.object({ page: z.int(), part: z.int(), objects: z.string() });
/** Where an object stands in a listing. */
export type Place = { readonly page: number; readonly part: number; readonly at: number };

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
    return BytesSchema.parse(found.one()).bytes;
  }

  /**
   * What was listed from a place on, in order, but for the empty objects. Read row by row, as there may be millions; between two
   * objects anything but the list itself may be written.
   */
  *objects(attempt: string, from: Place): Generator<[PlannedObject, Place], void, void> {
    let { page, part, at } = from;
    for (;;) {
      const query = `SELECT page, part, objects FROM planned
        WHERE attempt = ? AND (page, part) >= (?, ?) ORDER BY page, part LIMIT 1`;
      const [row] = rowsOf(this.#sql, RowSchema, query, attempt, page, part);
      if (row === undefined) return;
      if (row.page !== page || row.part !== part) at = 0;
      ({ page, part } = row);
      const objects = ObjectsSchema.parse(JSON.parse(row.objects));
      for (const [i, object] of objects.entries()) if (i >= at) yield [object, { page, part, at: i }];
      part++;
      at = 0;
    }
  }

  clear(): void {
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
