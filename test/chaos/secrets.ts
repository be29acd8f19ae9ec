import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";

/** A runner's token: its job's id, when it expires, and a signature. */
const token = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.\d{1,12}\.[\w-]{43}/;

const TableSchema = z.object({ name: z.string() });

/** A row that holds a secret of a job. */
export type FoundSecret = { readonly path: string; readonly table: string };

/** The secrets of jobs that a Worker's Durable Objects contain; the Worker must have ended. */
export const secretsIn = (stateDir: string, password: string): FoundSecret[] =>
  readdirSync(stateDir, { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.endsWith(".sqlite"))
    .flatMap(({ parentPath, name }) => secretsOf(join(parentPath, name), password));

/** Tables that hold a job's secrets until it is cleaned up: its credentials, and its runners' token. */
const holding = ["secret", "wanted_job"];

/** Tests the search itself: it must find the secrets of running jobs. */
export class SecretSearch {
  readonly #stateDir: string;
  readonly #password: string;
  readonly #seen = new Set<string>();
  #looks = 0;

  constructor(stateDir: string, password: string) {
    this.#stateDir = stateDir;
    this.#password = password;
  }

  /**
   * Must be called while the Worker is down and jobs are running. Searches a copy, since the Worker must be the next to open
   * the original.
   */
  tryOut(): void {
    this.#looks += 1;
    const copy = mkdtempSync(join(tmpdir(), "edgefold-secrets-"));
    try {
      cpSync(this.#stateDir, copy, { recursive: true });
      for (const { table } of secretsIn(copy, this.#password)) this.#seen.add(table);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  }

  /** The tables in which nothing was found although they must have contained secrets. */
  get blindness(): string[] {
    const blind = this.#looks === 0 ? [] : holding.filter((table) => !this.#seen.has(table));
    return blind.map((table) => `the search for secrets found none in '${table}' while jobs were at work`);
  }
}

const secretsOf = (path: string, password: string): FoundSecret[] => {
  const database = new DatabaseSync(path, { readBigInts: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    return tables.flatMap((row) => {
      const { name } = TableSchema.parse(row);
      const rows = database.prepare(`SELECT * FROM "${name}"`).all().map(textOf);
      return rows
        .filter((text) => name === "secret" || text.includes(password) || token.test(text))
        .map(() => ({ path, table: name }));
    });
  } finally {
    database.close();
  }
};

const textOf = (row: Readonly<Record<string, unknown>>): string =>
  Object.values(row)
    .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value)))
    .join("\n");
