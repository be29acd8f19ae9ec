import type { z } from "zod";

/** The rows of a query, each parsed. */
export const rowsOf = <S extends z.ZodType>(
  sql: SqlStorage,
  schema: S,
  query: string,
  ...bindings: SqlStorageValue[]
): z.output<S>[] =>
  sql
    .exec(query, ...bindings)
    .toArray()
    .map((row) => schema.parse(row));
