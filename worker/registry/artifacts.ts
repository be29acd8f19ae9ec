import { z } from "zod";
import type { ArtifactType } from "../../shared/api/artifacts.ts";
import type { Items, StoredContent } from "../contracts.ts";
import { storedArtifactOf } from "../artifacts/stored-artifact.ts";
import type { PinnedArtifact } from "../job/spec.ts";
import { rowsOf } from "../platform/sql.ts";
import { contentColumns, contentFields } from "./content.ts";
import { discardUnused } from "./garbage.ts";

/** Artifacts: names, and the contents that they have now. Owns the table `artifact`. */

const KeyRowSchema = z.object({ key: z.string() });
const storedColumns = `${contentColumns}, uploaded_at AS uploadedAt, uploaded_by AS uploadedBy`;
const storedFields = { ...contentFields, uploadedAt: z.int().nullable(), uploadedBy: z.string().nullable() };
const StoredRowSchema = z.object(storedFields);
const ListedRowSchema = z.object({ seq: z.int(), ...storedFields });

/** The artifact of that name, or null. */
export const findArtifact = (sql: SqlStorage, name: string): StoredContent | null =>
  rowsOf(sql, StoredRowSchema, `SELECT ${storedColumns} FROM artifact WHERE name = ?`, name)[0] ?? null;

/** Gives content its name, and discards the content that had it before. */
export const nameContent = (sql: SqlStorage, artifact: PinnedArtifact, uploadedBy: string, now: number): void => {
  const { name, type, size, hash, key } = artifact;
  removeArtifact(sql, name, now);
  const insert = `INSERT INTO artifact (name, type, size, hash, key, uploaded_at, uploaded_by) VALUES (?, ?, ?, ?, ?, ?, ?)`;
  sql.exec(insert, name, type, size, hash, key, now, uploadedBy);
};

/** Takes a name away. Jobs that pinned its content keep it. @returns whether there was such an artifact */
export const removeArtifact = (sql: SqlStorage, name: string, now: number): boolean => {
  const [removed] = rowsOf(sql, KeyRowSchema, "DELETE FROM artifact WHERE name = ? RETURNING key", name);
  if (removed === undefined) return false;
  discardUnused(sql, removed.key, now);
  return true;
};

/** Artifacts as JSON, newest first. @param type without it, all @param after the `next` of the page before */
export const listArtifacts = (
  sql: SqlStorage,
  type: ArtifactType | undefined,
  after: string | null,
  limit: number,
): Items => {
  const query = `SELECT seq, ${storedColumns} FROM artifact WHERE seq < ?1 AND (?2 IS NULL OR type = ?2)
    ORDER BY seq DESC LIMIT ?3`;
  const number = after === null ? Number.MAX_SAFE_INTEGER : Number(after);
  const before = Number.isSafeInteger(number) ? number : 0;
  const rows = rowsOf(sql, ListedRowSchema, query, before, type ?? null, limit + 1);
  const page = rows.slice(0, limit);
  const items = page.map((row) => JSON.stringify(storedArtifactOf(row)));
  return { items, next: rows.length > limit ? String(page.at(-1)?.seq) : null };
};
