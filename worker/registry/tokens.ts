import { TokenSchema, type Token } from "../../shared/api/tokens.ts";
import type { Items } from "../contracts.ts";
import { rowsOf } from "../platform/sql.ts";

/** Tokens of the API that were issued, known by their hashes. Owns the table `token`. */

const columns = "name, role, expires, created";

/** Stores a token, in place of the one of that name. @returns whether there was none */
export const putToken = (sql: SqlStorage, { name, role, expires, created }: Token, hash: string): boolean => {
  const isNew = findTokenNamed(sql, name) === null;
  const insert = "INSERT OR REPLACE INTO token (name, hash, role, expires, created) VALUES (?, ?, ?, ?, ?)";
  sql.exec(insert, name, hash, role, expires, created);
  return isNew;
};

export const findTokenNamed = (sql: SqlStorage, name: string): Token | null =>
  rowsOf(sql, TokenSchema, `SELECT ${columns} FROM token WHERE name = ?`, name)[0] ?? null;

export const findTokenOfHash = (sql: SqlStorage, hash: string): Token | null =>
  rowsOf(sql, TokenSchema, `SELECT ${columns} FROM token WHERE hash = ?`, hash)[0] ?? null;

/** @returns whether there was such a token */
export const deleteToken = (sql: SqlStorage, name: string): boolean =>
  sql.exec("DELETE FROM token WHERE name = ?", name).rowsWritten > 0;

/** Tokens as JSON, in the order of their names. @param after the `next` of the page before */
export const listTokens = (sql: SqlStorage, after: string | null, limit: number): Items => {
  const query = `SELECT ${columns} FROM token WHERE name > ? ORDER BY name LIMIT ?`;
  const rows = rowsOf(sql, TokenSchema, query, after ?? "", limit + 1);
  const page = rows.slice(0, limit);
  return {
    items: page.map((token) => JSON.stringify(token)),
    next: rows.length > limit ? (page.at(-1)?.name ?? null) : null,
  };
};
