import { Database, type Outcome } from "./database.ts";

/** Whether a query changes tables, possibly in addition to rows. */
const changesTables = (query: string): boolean => /\b(CREATE|ALTER|DROP)\s+(TABLE|INDEX)\b/.test(query);
const isRead = (query: string): boolean => /^\s*SELECT\b/.test(query);

/** The statement at the end of every migration. */
const last = "INSERT INTO schema_version";

type Statement = { readonly query: string; readonly bindings: readonly unknown[] };

/**
 * How the tables of a kind of object are created, as recorded from its first object. Creating them takes as long as all the
 * rest of a short schedule, so the databases of objects that are gone are emptied and reused by objects that create the same
 * tables.
 */
class Birth {
  readonly statements: Statement[] = [];
  /** The answers to earlier reads, by the number of preceding statements and the query. */
  readonly answers = new Map<string, Outcome>();
  /** Whether all statements are known. */
  isWhole = false;
  readonly unused: Database[] = [];
}

const births = new Map<string, Birth>();

/**
 * An initially empty database for an object of some kind. While the object repeats the statements of the first object of its
 * kind, nothing is executed; then it gets a database in which they were.
 */
export class NewDatabase {
  readonly #birth: Birth;
  /** Whether the database that it creates has the tables of its kind. */
  isReusable = true;
  /** The statements so far. */
  readonly #done: Statement[] = [];

  constructor(kind: string) {
    this.#birth = births.get(kind) ?? new Birth();
    births.set(kind, this.#birth);
  }

  /** The number of statements so far. */
  get length(): number {
    return this.#done.length;
  }

  /** Undoes all but the first `length` statements. */
  truncate(length: number): void {
    this.#done.length = length;
  }

  /** @returns the outcome of the statement, and the database once it is decided, in which the statement has then been executed */
  exec(query: string, bindings: readonly unknown[]): { readonly outcome: Outcome; readonly database?: Database } {
    const birth = this.#birth;
    if (isRead(query)) return { outcome: this.#answer(query, bindings) };
    const next = birth.statements[this.#done.length];
    if (birth.isWhole ? next?.query !== query : next !== undefined && next.query !== query) {
      this.isReusable = false;
      const database = this.#replay();
      return { outcome: database.exec(query, bindings), database };
    }
    this.#done.push({ query, bindings });
    birth.statements[this.#done.length - 1] ??= { query, bindings };
    if (!query.startsWith(last)) return { outcome: { rows: [], written: 0 } };
    birth.isWhole = true;
    return { outcome: { rows: [], written: 1 }, database: this.#reuse() };
  }

  /** Takes back a database that is no longer needed. */
  giveBack(database: Database): void {
    if (this.isReusable) {
      database.empty();
      this.#birth.unused.push(database);
    } else database.close();
  }

  #answer(query: string, bindings: readonly unknown[]): Outcome {
    const key = JSON.stringify([this.#done.length, query, bindings]);
    const known = this.#birth.answers.get(key);
    if (known !== undefined) return known;
    const database = this.#replay();
    const answer = database.exec(query, bindings);
    database.close();
    this.#birth.answers.set(key, answer);
    return answer;
  }

  #replay(): Database {
    const database = new Database();
    for (const { query, bindings } of this.#done) database.exec(query, bindings);
    return database;
  }

  /** A database with the tables, and with the rows that this object has written so far. */
  #reuse(): Database {
    const database = this.#birth.unused.pop();
    if (database === undefined) return this.#replay();
    for (const { query, bindings } of this.#done) if (!changesTables(query)) database.exec(query, bindings);
    return database;
  }
}
