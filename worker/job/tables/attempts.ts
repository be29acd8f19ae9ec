import { z } from "zod";
import { AttemptRowSchema, type AttemptRow } from "../../../shared/engine/machine.ts";
import type { TaskKind } from "../../../shared/status.ts";
import { rowsOf } from "../../platform/sql.ts";
import { OpenAttempts } from "./open-attempts.ts";

const columns = 'id, kind, idx AS "index", runner AS runnerId, status, started AS startedAt';

const DueSchema = z.object({ due: z.number().nullable() });
const AloneSchema = z.object({ index: z.int(), since: z.int() });
const LeaseSchema = AttemptRowSchema.extend({ linked: z.int() });

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
    this.#sql.exec("UPDATE attempt SET status = ? WHERE id = ?", attempt.status, attempt.id);
    this.#open?.set(attempt);
  }

  get(id: string): AttemptRow | undefined {
    const open = this.#allOpen().get(id);
    return open ?? rowsOf(this.#sql, AttemptRowSchema, `SELECT ${columns} FROM attempt WHERE id = ?`, id)[0];
  }

  openOf(runnerId: string): AttemptRow[] {
    return this.#allOpen().of(runnerId);
  }

  endedOf(runnerId: string): AttemptRow[] {
    const query = `SELECT ${columns} FROM attempt WHERE status = 'ended' AND runner = ?`;
    return rowsOf(this.#sql, AttemptRowSchema, query, runnerId);
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
    const live =
      task === "all"
        ? rowsOf(
            this.#sql,
            AttemptRowSchema,
            `SELECT ${columns} FROM attempt INDEXED BY attempt_runner
             WHERE status IN ('live', 'revoked') AND status = 'live'`,
          )
        : rowsOf(
            this.#sql,
            AttemptRowSchema,
            `SELECT ${columns} FROM attempt
             WHERE status IN ('live', 'revoked') AND status = 'live' AND kind = ? AND idx = ?`,
            task.kind,
            task.index,
          );
    for (const attempt of live) this.save({ ...attempt, status: "revoked" });
    return live;
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
    const found = rowsOf(this.#sql, LeaseSchema, query, now);
    this.#nextLeaseEnd = undefined;
    return found.map(({ linked, ...attempt }) => ({ attempt, isLinked: linked === 1 }));
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
    this.#open ??= new OpenAttempts(
      rowsOf(
        this.#sql,
        AttemptRowSchema,
        `SELECT ${columns} FROM attempt INDEXED BY attempt_runner WHERE status IN ('live', 'revoked')`,
      ),
    );
    return this.#open;
  }

  #noteLease(until: number): void {
    if (this.#nextLeaseEnd !== undefined) this.#nextLeaseEnd = Math.min(this.#nextLeaseEnd, until);
  }
}
