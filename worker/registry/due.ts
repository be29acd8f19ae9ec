import { z } from "zod";
import { rowsOf } from "../platform/sql.ts";

const DueSchema = z.object({ due: z.int().nullable() });

/** The one number of a query that selects a minimum as `due`; undefined where there are no rows. */
export const earliest = (sql: SqlStorage, query: string): number | undefined =>
  rowsOf(sql, DueSchema, query)[0]?.due ?? undefined;

/** The wait before another try, in ms: a second, doubled each time, at most an hour. */
export const retryDelay = (tries: number): number => Math.min(60 * 60 * 1000, 1000 * 2 ** tries);
