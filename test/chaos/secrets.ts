import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";

/** A runner's token: its job's id, and a signature. */
const token = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[\w-]{43}/;

const TableSchema = z.object({ name: z.string() });

/** What the Durable Objects of a Worker that has ended still hold of ended jobs' secrets. */
export const secretsIn = (stateDir: string, password: string): string[] =>
  readdirSync(stateDir, { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.endsWith(".sqlite"))
    .flatMap(({ parentPath, name }) => secretsOf(join(parentPath, name), password));

const secretsOf = (path: string, password: string): string[] => {
  const database = new DatabaseSync(path, { readBigInts: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    return tables.flatMap((row) => {
      const { name } = TableSchema.parse(row);
      const rows = database.prepare(`SELECT * FROM "${name}"`).all().map(textOf);
      return rows
        .filter((text) => name === "secret" || text.includes(password) || token.test(text))
        .map(() => `${path}: a row of ${name}`);
    });
  } finally {
    database.close();
  }
};

const textOf = (row: Readonly<Record<string, unknown>>): string =>
  Object.values(row)
    .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value)))
    .join("\n");
