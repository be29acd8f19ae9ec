import { NewDatabase } from "./birth.ts";
import { listTables, tableNames, Database, type Outcome, type Row } from "./database.ts";

/** What `SqlStorage.exec` returns, with all rows read. */
class Cursor {
  readonly rowsWritten: number;
  readonly #rows: readonly Row[];

  constructor({ rows, written }: Outcome) {
    this.#rows = rows;
    this.rowsWritten = written;
  }

  toArray(): readonly Row[] {
    return this.#rows;
  }

  one(): Row {
    const [row] = this.#rows;
    if (row === undefined || this.#rows.length > 1) throw new Error(`${this.#rows.length} rows instead of one`);
    return row;
  }

  /** The rows as lists of column values. */
  raw(): Iterable<SqlStorageValue[]> {
    return this.#rows.map((row) => Object.values(row));
  }

  [Symbol.iterator](): Iterator<Row> {
    return this.#rows[Symbol.iterator]();
  }
}

/** A Durable Object's storage, on SQLite like the real one: it outlives the object's instances. */
export class Storage {
  /** When the alarm is due, in ms. */
  alarm: number | null = null;
  readonly #kind: string;
  /** Records how its tables are created; `#database` is set once they exist. */
  #birth: NewDatabase;
  #database: Database | undefined;
  #savepoints = 0;

  /** @param kind of the object: objects of one kind create the same tables */
  constructor(kind: string) {
    this.#kind = kind;
    this.#birth = new NewDatabase(kind);
  }

  exec(query: string, ...bindings: unknown[]): Cursor {
    if (this.#database !== undefined) return new Cursor(this.#database.exec(query, bindings));
    const { outcome, database } = this.#birth.exec(query, bindings);
    this.#database = database;
    return new Cursor(outcome);
  }

  /** Runs a change that takes effect completely, or not at all if it throws. */
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

  /** From here on, everything can be undone, until one of the two functions is called. */
  begin(): { keep: () => void; all: () => void } {
    const { alarm } = this;
    const [keep, undo] = this.#database === undefined ? this.#beginBirth() : this.#beginChange(this.#database);
    this.#savepoints++;
    return {
      keep: () => {
        this.#savepoints--;
        keep();
      },
      all: () => {
        this.#savepoints--;
        undo();
        this.alarm = alarm;
      },
    };
  }

  /** Replaces everything with the result of a script. */
  load(sql: string): void {
    this.close();
    this.#birth = new NewDatabase(this.#kind);
    this.#birth.isReusable = false;
    this.#database = new Database();
    this.#database.exec(sql, []);
  }

  /** Drops everything, including the alarm. */
  deleteAll(): void {
    this.alarm = null;
    if (this.#savepoints === 0) {
      this.close();
      this.#birth = new NewDatabase(this.#kind);
      return;
    }
    this.#birth.isReusable = false;
    for (const table of this.tables()) this.exec(`DROP TABLE ${table}`);
  }

  tables(): string[] {
    const rows = this.exec(listTables).toArray();
    return tableNames({ rows, written: 0 });
  }

  close(): void {
    if (this.#database !== undefined) this.#birth.giveBack(this.#database);
    this.#database = undefined;
  }

  #beginBirth(): [() => void, () => void] {
    const { length } = this.#birth;
    const undo = (): void => {
      this.close();
      this.#birth.truncate(length);
    };
    return [() => undefined, undo];
  }

  #beginChange(database: Database): [() => void, () => void] {
    const name = `s${this.#savepoints}`;
    database.exec(`SAVEPOINT ${name}`, []);
    return [
      () => void database.exec(`RELEASE ${name}`, []),
      () => {
        database.exec(`ROLLBACK TO ${name}`, []);
        database.exec(`RELEASE ${name}`, []);
      },
    ];
  }
}
