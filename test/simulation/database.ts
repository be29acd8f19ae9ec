import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";

export type Row = Record<string, SqlStorageValue>;

/** The result of a statement. */
export type Outcome = { readonly rows: readonly Row[]; readonly written: number };

/** A statement, with the names of its columns if it reads. */
type Prepared = { readonly statement: StatementSync; readonly names: readonly string[] };

const toInput = (value: unknown): SQLInputValue => {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "string" || typeof value === "number" || value === null) return value;
  throw new Error(`SQLite takes no ${typeof value}`);
};

const fromOutput = (value: SQLOutputValue | undefined): SqlStorageValue => {
  if (value instanceof Uint8Array) return value.slice().buffer;
  if (value === undefined || typeof value === "bigint") throw new Error("no value that the platform has");
  return value;
};

const rowOf = (names: readonly string[], values: readonly SQLOutputValue[]): Row => {
  const row: Row = {};
  for (let i = 0; i < names.length; i++) row[names[i] ?? ""] = fromOutput(values[i]);
  return row;
};

/** An in-memory SQLite database that prepares each statement once. */
export class Database {
  readonly #sqlite = new DatabaseSync(":memory:");
  readonly #statements = new Map<string, Prepared>();

  /** Executes one statement with its bindings, or several without any. */
  exec(query: string, bindings: readonly unknown[]): Outcome {
    if (bindings.length === 0 && isScript(query)) {
      this.#sqlite.exec(query);
      return { rows: [], written: 0 };
    }
    const { statement, names } = this.#prepared(query);
    const values = bindings.map(toInput);
    if (names.length > 0) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- set to return arrays
      const rows = statement.all(...values) as unknown as readonly SQLOutputValue[][];
      return { rows: rows.map((row) => rowOf(names, row)), written: 0 };
    }
    return { rows: [], written: Number(statement.run(...values).changes) };
  }

  /** The existing tables. */
  tables(): string[] {
    return tableNames(this.exec(listTables, []));
  }

  /** Deletes all rows. */
  empty(): void {
    for (const name of this.tables()) this.exec(`DELETE FROM ${name}`, []);
    const hasSequence = this.exec("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'", []).rows.length > 0;
    if (hasSequence) this.exec("DELETE FROM sqlite_sequence", []);
  }

  close(): void {
    this.#sqlite.close();
  }

  #prepared(query: string): Prepared {
    const known = this.#statements.get(query);
    if (known !== undefined) return known;
    const statement = this.#sqlite.prepare(query);
    statement.setReturnArrays(true);
    const prepared = { statement, names: statement.columns().map(({ name }) => name) };
    this.#statements.set(query, prepared);
    return prepared;
  }
}

export const listTables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
export const tableNames = ({ rows }: Outcome): string[] =>
  rows.flatMap(({ name }) => (typeof name === "string" ? [name] : []));

/** Whether a text can contain several statements. */
const isScript = (query: string): boolean => {
  const known = scripts.get(query);
  if (known !== undefined) return known;
  const found = /^\s*CREATE|;\s*\S/i.test(query);
  scripts.set(query, found);
  return found;
};
const scripts = new Map<string, boolean>();
