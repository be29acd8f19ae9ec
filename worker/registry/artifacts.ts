import { z } from "zod";
import type { Items } from "../contracts.ts";
import { artifactOf, type PinnedProgram } from "../job/spec.ts";
import { rowsOf } from "../platform/sql.ts";
import { contentColumns, contentFields } from "./content.ts";
import { discardUnused } from "./garbage.ts";

/** Artifacts: names, and the contents that they have now. Owns the table `artifact`. */

const KeyRowSchema = z.object({ key: z.string() });
const ContentRowSchema = z.object(contentFields);
const ListedRowSchema = z.object({ seq: z.int(), ...contentFields });

/** The artifact of that name, or null. */
export const findArtifact = (sql: SqlStorage, name: string): PinnedProgram | null =>
  rowsOf(sql, ContentRowSchema, `SELECT ${contentColumns} FROM artifact WHERE name = ?`, name)[0] ?? null;

/** Whether an artifact has this content. */
export const hasContent = (sql: SqlStorage, key: string): boolean =>
  sql.exec("SELECT 1 FROM artifact WHERE key = ?", key).toArray().length > 0;

/** Gives content its name, and discards the content that had it before. */
export const nameContent = (sql: SqlStorage, program: PinnedProgram, now: number): void => {
  const { name, type, size, hash, key } = program;
  removeArtifact(sql, name, now);
  const insert = "INSERT INTO artifact (name, type, size, hash, key) VALUES (?, ?, ?, ?, ?)";
  sql.exec(insert, name, type, size, hash, key);
};

/** Takes a name away. Jobs that pinned its content keep it. @returns whether there was such an artifact */
export const removeArtifact = (sql: SqlStorage, name: string, now: number): boolean => {
  const [removed] = rowsOf(sql, KeyRowSchema, "DELETE FROM artifact WHERE name = ? RETURNING key", name);
  if (removed === undefined) return false;
  discardUnused(sql, removed.key, now);
  return true;
};

/** Artifacts as JSON, newest first. @param after the `next` of the page before */
export const listArtifacts = (sql: SqlStorage, after: string | null, limit: number): Items => {
  const query = `SELECT seq, ${contentColumns} FROM artifact WHERE seq < ? ORDER BY seq DESC LIMIT ?`;
  const before = after === null ? Number.MAX_SAFE_INTEGER : Number(after);
  const rows = rowsOf(sql, ListedRowSchema, query, Number.isSafeInteger(before) ? before : 0, limit + 1);
  const page = rows.slice(0, limit);
  const items = page.map((row) => JSON.stringify(artifactOf(row)));
  return { items, next: rows.length > limit ? String(page.at(-1)?.seq) : null };
};
