import { z } from "zod";
import { rowsOf } from "./sql.ts";

/** Delays between tries, in ms: half a second, doubled each time, at most a minute. */
const delay = (tries: number): number => Math.min(60_000, 500 * 2 ** tries);

/** A delivery that got no answer is tried again after this time, in ms, because the object died meanwhile. */
const patience = 10_000;

/** Deliveries at a time. */
const width = 16;

/** Creates the table of an outbox. `version` counts the deliveries to a target that were begun. */
export const outboxTable =
  "CREATE TABLE outbox (target TEXT PRIMARY KEY, version INTEGER NOT NULL, due INTEGER, tries INTEGER NOT NULL)";

const RowSchema = z.object({
  target: z.string(),
  version: z.int(),
  due: z.int().nullable(),
  tries: z.int(),
});
type Row = Omit<z.infer<typeof RowSchema>, "target">;

/**
 * What an object must tell others. A target is marked in the same transaction as the state that it must hear of, and is
 * told how things stand *then*, so that only the newest state is delivered, again and again until it is acknowledged.
 */
export class Outbox {
  readonly #sql: SqlStorage;
  readonly #tell: (target: string, version: number) => Promise<void>;
  /** The table, as it is read once and written through. */
  #rows: Map<string, Row> | undefined;
  /** Targets to which a delivery is under way. */
  readonly #busy = new Set<string>();

  /**
   * @param tell tells a target how things stand. A delivery that was begun later has a higher `version`, by which the
   *   receiver knows what is stale
   */
  constructor(sql: SqlStorage, tell: (target: string, version: number) => Promise<void>) {
    this.#sql = sql;
    this.#tell = tell;
  }

  /** Marks that a target must be told how things stand. @param due by when, in ms since 1970 */
  mark(target: string, due: number): void {
    const row = this.#table().get(target);
    // Until a delivery begins, it takes in whatever changes.
    if (row !== undefined && row.due !== null && row.due <= due && !this.#busy.has(target)) return;
    this.#save(target, { version: row?.version ?? 0, due, tries: 0 });
  }

  /** Whether everybody was told everything. */
  isEmpty(): boolean {
    return this.next() === undefined;
  }

  /** When `deliver` should be called next, in ms since 1970, if what is under way comes to nothing; undefined when all is told. */
  next(): number | undefined {
    let next: number | undefined;
    for (const [target, { due }] of this.#table()) {
      if (due === null) continue;
      const time = this.#busy.has(target) ? Math.max(due, Date.now() + patience) : due;
      next = Math.min(next ?? time, time);
    }
    return next;
  }

  /** Delivers what is due, and to the same targets what is marked meanwhile. No target waits for a slow one. */
  async deliver(): Promise<void> {
    const now = Date.now();
    const due = [...this.#table()].filter(([target, row]) => isDue(row, now) && !this.#busy.has(target));
    const targets = due.values();
    const deliverSome = async (): Promise<void> => {
      for (const [target] of targets) if (!this.#busy.has(target)) await this.#deliverTo(target);
    };
    await Promise.all(Array.from({ length: Math.min(width, due.length) }, deliverSome));
  }

  /** Forgets a target of which nothing will be said any more. */
  drop(target: string): void {
    this.#sql.exec("DELETE FROM outbox WHERE target = ?", target);
    this.#table().delete(target);
  }

  /** Reads the table again: a transaction was undone, or everything was deleted. */
  forget(): void {
    this.#rows = undefined;
  }

  async #deliverTo(target: string): Promise<void> {
    this.#busy.add(target);
    try {
      for (;;) {
        const row = this.#table().get(target);
        if (row === undefined || !isDue(row, Date.now())) return;
        const { tries } = row;
        const sent = this.#save(target, { version: row.version + 1, due: Date.now() + patience, tries });
        let told: { due: number | null; tries: number };
        try {
          await this.#tell(target, sent.version);
          told = { due: null, tries: 0 };
        } catch (error) {
          console.warn(`'${target}' could not be told; it is tried again`, error);
          told = { due: Date.now() + delay(tries), tries: tries + 1 };
        }
        // What was marked meanwhile stays marked.
        if (this.#table().get(target) === sent) this.#save(target, { ...sent, ...told });
      }
    } finally {
      this.#busy.delete(target);
    }
  }

  #table(): Map<string, Row> {
    this.#rows ??= new Map(
      rowsOf(this.#sql, RowSchema, "SELECT target, version, due, tries FROM outbox").map(({ target, ...row }) => [
        target,
        row,
      ]),
    );
    return this.#rows;
  }

  #save(target: string, row: Row): Row {
    this.#sql.exec(
      `INSERT INTO outbox (target, version, due, tries) VALUES (?, ?, ?, ?)
       ON CONFLICT (target) DO UPDATE SET version = excluded.version, due = excluded.due, tries = excluded.tries`,
      target,
      row.version,
      row.due,
      row.tries,
    );
    this.#table().set(target, row);
    return row;
  }
}

const isDue = ({ due }: Row, now: number): boolean => due !== null && due <= now;
