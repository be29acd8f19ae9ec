import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

type Row = Record<string, SqlStorageValue>;

const toInput = (value: unknown): SQLInputValue => {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "string" || typeof value === "number" || value === null) return value;
  throw new Error(`SQLite takes no ${typeof value}`);
};

const fromOutput = (row: Record<string, unknown>): Row => {
  const converted: Row = {};
  for (const [name, value] of Object.entries(row)) {
    if (value instanceof Uint8Array) converted[name] = value.slice().buffer;
    else if (typeof value === "string" || typeof value === "number" || value === null) converted[name] = value;
    else throw new Error(`a column of type ${typeof value}`);
  }
  return converted;
};

/** What `SqlStorage.exec` returns, with all rows read. */
class Cursor {
  readonly rowsWritten: number;
  readonly #rows: readonly Row[];

  constructor(rows: readonly Row[], rowsWritten: number) {
    this.#rows = rows;
    this.rowsWritten = rowsWritten;
  }

  toArray(): readonly Row[] {
    return this.#rows;
  }

  one(): Row {
    const [row] = this.#rows;
    if (row === undefined || this.#rows.length > 1) throw new Error(`${this.#rows.length} rows instead of one`);
    return row;
  }

  /** The rows as lists of their columns. */
  raw(): Iterable<SqlStorageValue[]> {
    return this.#rows.map((row) => Object.values(row));
  }

  [Symbol.iterator](): Iterator<Row> {
    return this.#rows[Symbol.iterator]();
  }
}

/** A Durable Object's storage, on SQLite as the real one: it outlives the object's instances. */
export class Storage {
  /** When the alarm is to fire, in ms. */
  alarm: number | null = null;
  readonly #database = new DatabaseSync(":memory:");
  readonly #statements = new Map<string, { statement: StatementSync; reads: boolean }>();
  #savepoints = 0;

  exec(query: string, ...bindings: unknown[]): Cursor {
    if (bindings.length === 0 && /^\s*CREATE|;\s*\S/i.test(query)) {
      this.#database.exec(query);
      return new Cursor([], 0);
    }
    const { statement, reads } = this.#statement(query);
    const values = bindings.map(toInput);
    if (reads) return new Cursor(statement.all(...values).map(fromOutput), 0);
    return new Cursor([], Number(statement.run(...values).changes));
  }

  /** Runs a change of which all is kept, or nothing where it throws. */
  transaction<T>(change: () => T): T {
    const undo = this.begin();
    try {
      const result = change();
      undo.keep();
      return result;
    } catch (error) {
      undo.all();
      throw error;
    }
  }

  /** From here on everything can be undone, until one or the other is called. */
  begin(): { keep: () => void; all: () => void } {
    const { alarm } = this;
    const name = `s${this.#savepoints++}`;
    this.#database.exec(`SAVEPOINT ${name}`);
    return {
      keep: () => {
        this.#database.exec(`RELEASE ${name}`);
      },
      all: () => {
        this.#database.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
        this.alarm = alarm;
      },
    };
  }

  close(): void {
    this.#database.close();
  }

  #statement(query: string): { statement: StatementSync; reads: boolean } {
    const known = this.#statements.get(query);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(query);
    const prepared = { statement, reads: statement.columns().length > 0 };
    this.#statements.set(query, prepared);
    return prepared;
  }
}
