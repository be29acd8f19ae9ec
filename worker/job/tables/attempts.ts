import { z } from "zod";
import {
  AttemptEndSchema,
  AttemptRowSchema,
  type AttemptEnd,
  type AttemptRow,
} from "../../../shared/engine/machine.ts";
import type { TaskKind } from "../../../shared/status.ts";
import { rowsOf } from "../../platform/sql.ts";
import { OpenAttempts } from "./open-attempts.ts";

const columns = 'id, kind, idx AS "index", runner AS runnerId, status, started AS startedAt, ended, outcome, detail';

const LogSchema = z.object({ log: z.int().nullable() });
const DueSchema = z.object({ due: z.number().nullable() });
const AloneSchema = z.object({ index: z.int(), since: z.int() });
const StoredSchema = AttemptRowSchema.omit({ end: true }).extend({
  ended: z.int().nullable(),
  outcome: AttemptEndSchema.shape.outcome.nullable(),
  /** JSON with the error and the counters; null where there are neither. */
  detail: z.string().nullable(),
});
const StoredWithLinkSchema = StoredSchema.extend({ linked: z.int() });

const attemptOf = ({ ended, outcome, detail, ...open }: z.infer<typeof StoredSchema>): AttemptRow => {
  if (outcome === null) return { ...open, end: null };
  const known: unknown = detail === null ? { error: null, counters: null } : JSON.parse(detail);
  return { ...open, end: AttemptEndSchema.parse(Object.assign({ at: ended, outcome }, known)) };
};

const detailOf = (end: AttemptEnd | null): string | null =>
  end === null || (end.error === null && end.counters === null)
    ? null
    : JSON.stringify({ error: end.error, counters: end.counters });

/** An open attempt whose lease is over. `isLinked`: the end of its runner's connection was not noticed. */
export type OverdueAttempt = { readonly attempt: AttemptRow; readonly isLinked: boolean };

/** The attempts and their leases: table `attempt`. */
export class AttemptTable {
  readonly #sql: SqlStorage;
  /** No lease of an open attempt ends before that, in ms since 1970; undefined until it is looked up. */
  #nextLeaseEnd: number | undefined;
  /** Undefined until they are looked up. */
  #open: OpenAttempts | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Looks everything up again: a transaction was undone. */
  forget(): void {
    this.#nextLeaseEnd = undefined;
    this.#open = undefined;
  }

  add(attempt: AttemptRow, leaseUntil: number): void {
    this.#sql.exec(
      "INSERT INTO attempt (id, kind, idx, runner, status, started, lease_until, linked) VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
      attempt.id,
      attempt.kind,
      attempt.index,
      attempt.runnerId,
      attempt.status,
      attempt.startedAt,
      leaseUntil,
    );
    this.#open?.set(attempt);
    this.#noteLease(leaseUntil);
  }

  save(attempt: AttemptRow): void {
    const { id, status, end } = attempt;
    this.#sql.exec(
      "UPDATE attempt SET status = ?, ended = ?, outcome = ?, detail = ? WHERE id = ?",
      status,
      end?.at ?? null,
      end?.outcome ?? null,
      detailOf(end),
      id,
    );
    this.#open?.set(attempt);
  }

  get(id: string): AttemptRow | undefined {
    return this.#allOpen().get(id) ?? this.#read("WHERE id = ?", id)[0];
  }

  /** Notes how many bytes an attempt has written to its log so far. What comes late does not make it shorter. */
  setLogBytes(id: string, bytes: number): void {
    this.#sql.exec("UPDATE attempt SET log = max(?, coalesce(log, 0)) WHERE id = ?", bytes, id);
  }

  /** Null where no log of it is kept. */
  logBytes(id: string): number | null {
    return rowsOf(this.#sql, LogSchema, "SELECT log FROM attempt WHERE id = ?", id)[0]?.log ?? null;
  }

  openOf(runnerId: string): AttemptRow[] {
    return this.#allOpen().of(runnerId);
  }

  endedOf(runnerId: string): AttemptRow[] {
    return this.#read("WHERE status = 'ended' AND runner = ?", runnerId);
  }

  /** Of the tasks of a kind that have a single open attempt, which is live: the one whose attempt has run longest, and since when. */
  longestAlone(kind: TaskKind): { index: number; since: number } | undefined {
    const query = `SELECT idx AS "index", min(started) AS since FROM attempt INDEXED BY attempt_runner
      WHERE status IN ('live', 'revoked') AND kind = ?
      GROUP BY idx HAVING count(*) = 1 AND min(status) = 'live' ORDER BY since LIMIT 1`;
    return rowsOf(this.#sql, AloneSchema, query, kind)[0];
  }

  /** Marks live attempts as revoked, those of one task or all. @returns them */
  revoke(task: { kind: TaskKind; index: number } | "all"): AttemptRow[] {
    const where = "INDEXED BY attempt_runner WHERE status IN ('live', 'revoked') AND status = 'live'";
    const live =
      task === "all" ? this.#read(where) : this.#read(`${where} AND kind = ? AND idx = ?`, task.kind, task.index);
    for (const attempt of live) this.save({ ...attempt, status: "revoked" });
    return live;
  }

  /** Others take the place of the winners of these kinds of tasks, which are made again. */
  supersedeWinners(kinds: readonly TaskKind[]): void {
    this.#sql.exec(
      `UPDATE attempt SET outcome = 'superseded', detail = json_object('error', NULL, 'counters', task.row -> '$.counters')
       FROM task WHERE task.winner = attempt.id AND task.kind IN (SELECT value FROM json_each(?))`,
      JSON.stringify(kinds),
    );
  }

  /** @param isLinked whether the runner is connected */
  setLease(id: string, until: number, isLinked: boolean): void {
    this.#sql.exec("UPDATE attempt SET lease_until = ?, linked = ? WHERE id = ?", until, isLinked ? 1 : 0, id);
    this.#noteLease(until);
  }

  /** The open attempts whose lease is over. */
  overdue(now: number): OverdueAttempt[] {
    if (now < this.nextLeaseEnd()) return [];
    const query = `SELECT ${columns}, linked FROM attempt INDEXED BY attempt_runner
      WHERE status IN ('live', 'revoked') AND lease_until <= ?`;
    const found = rowsOf(this.#sql, StoredWithLinkSchema, query, now);
    this.#nextLeaseEnd = undefined;
    return found.map(({ linked, ...attempt }) => ({ attempt: attemptOf(attempt), isLinked: linked === 1 }));
  }

  /**
   * A time before which no lease of an open attempt ends, in ms since 1970; `Infinity` where none is open. It is kept in
   * memory, and too early at times, as the attempts with the earliest lease may have ended; an index would cost two rows a task.
   */
  nextLeaseEnd(): number {
    this.#nextLeaseEnd ??=
      rowsOf(
        this.#sql,
        DueSchema,
        "SELECT min(lease_until) AS due FROM attempt INDEXED BY attempt_runner WHERE status IN ('live', 'revoked')",
      )[0]?.due ?? Number.POSITIVE_INFINITY;
    return this.#nextLeaseEnd;
  }

  #allOpen(): OpenAttempts {
    this.#open ??= new OpenAttempts(this.#read("INDEXED BY attempt_runner WHERE status IN ('live', 'revoked')"));
    return this.#open;
  }

  #read(where: string, ...bindings: SqlStorageValue[]): AttemptRow[] {
    return rowsOf(this.#sql, StoredSchema, `SELECT ${columns} FROM attempt ${where}`, ...bindings).map(attemptOf);
  }

  #noteLease(until: number): void {
    if (this.#nextLeaseEnd !== undefined) this.#nextLeaseEnd = Math.min(this.#nextLeaseEnd, until);
  }
}
