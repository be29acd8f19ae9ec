import { rowsOf } from "../platform/sql.ts";
import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import type { Artifact } from "../../shared/api/artifacts.ts";
import type { Job } from "../../shared/api/jobs.ts";
import { jobOf, type Env } from "../env.ts";
import type { Items, RegistryApi } from "../contracts.ts";
import { retentionMs } from "../retention.ts";
import type { PinnedProgram } from "../job/spec.ts";
import { collectGarbage, discardUnused, discardUpload, expire, nextDue, unpin } from "./garbage.ts";
import { eraseLeaving, isLeaving, retireJobs } from "./retention.ts";
import { reserveJob, type Reservation, type ReservationRequest } from "./reservations.ts";
import { ArtifactRowSchema, contentColumns, ContentRowSchema, createTables, SnapshotRowSchema } from "./schema.ts";

/** Characters of a page of job snapshots, so that it fits a message between objects however long its jobs are. */
const maxPageLength = 4 * 1024 * 1024;

/** Characters that surely fit a row; what is longer is listed without the programs' own counters. */
const maxSnapshotLength = 500_000;

/** Milliseconds before another try after the alarm's own work has failed. */
const alarmRetry = 30_000;

const snapshotOf = (job: Job): string => {
  const stored = JSON.stringify({ ...job, outputs: [] });
  if (stored.length <= maxSnapshotLength) return stored;
  return JSON.stringify({ ...job, outputs: [], counters: { ...job.counters, user: {} } });
};

/**
 * The one object that knows every artifact's name and every job.
 *
 * Contents are immutable and have keys of their own in R2. A content lives while a name points to it or a job pins it; all
 * that is deleted from R2 is first written down as garbage, and the alarm deletes it, again and again until that succeeds.
 * Likewise a job whose time is over is first taken from the list and written down as leaving, and then its object is erased.
 */
export class Registry extends DurableObject<Env> implements RegistryApi {
  readonly #sql: SqlStorage;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    createTables(this.#sql);
    // What ended jobs wait for depends on the configuration, which may be another one than when the alarm was set.
    void ctx.blockConcurrencyWhile(async () => await this.#arm());
  }

  /** Notes that content is about to be uploaded, so that it is removed should nobody come back for it. */
  async beginContent(key: string): Promise<void> {
    this.#sql.exec("INSERT OR IGNORE INTO upload (key, touched) VALUES (?, ?)", key, Date.now());
    await this.#arm();
  }

  /** Notes that an upload goes on. False where it was given up in the meantime. */
  async renewContent(key: string, uploadId: string): Promise<boolean> {
    const update = "UPDATE upload SET touched = ?, upload_id = ? WHERE key = ?";
    return this.#sql.exec(update, Date.now(), uploadId, key).rowsWritten > 0;
  }

  /** Has an upload removed that will not be finished. */
  async abandonContent(key: string): Promise<void> {
    discardUpload(this.#sql, key, Date.now());
    await this.#arm();
  }

  /** Gives uploaded content its name, which another content may have had. False where the upload was given up. */
  async putArtifact(program: PinnedProgram): Promise<boolean> {
    const { name, type, size, hash, key } = program;
    const put = this.ctx.storage.transactionSync(() => {
      if (this.#sql.exec("DELETE FROM upload WHERE key = ?", key).rowsWritten === 0) {
        return this.#sql.exec("SELECT 1 FROM artifact WHERE key = ?", key).toArray().length > 0;
      }
      this.#removeName(name);
      const insert = "INSERT INTO artifact (name, type, size, hash, key) VALUES (?, ?, ?, ?, ?)";
      this.#sql.exec(insert, name, type, size, hash, key);
      return true;
    });
    await this.#arm();
    return put;
  }

  async getArtifact(name: string): Promise<PinnedProgram | null> {
    const query = `SELECT ${contentColumns} FROM artifact WHERE name = ?`;
    return rowsOf(this.#sql, ContentRowSchema, query, name)[0] ?? null;
  }

  /** False where there is no such artifact. Jobs that pinned its content keep it. */
  async deleteArtifact(name: string): Promise<boolean> {
    const removed = this.ctx.storage.transactionSync(() => this.#removeName(name));
    await this.#arm();
    return removed;
  }

  /** Artifacts as JSON, newest first. `after` is a page's `next`. */
  async listArtifacts(after: string | null, limit: number): Promise<Items> {
    const query = `SELECT seq, ${contentColumns} FROM artifact WHERE seq < ? ORDER BY seq DESC LIMIT ?`;
    const before = after === null ? Number.MAX_SAFE_INTEGER : Number(after);
    const rows = rowsOf(this.#sql, ArtifactRowSchema, query, Number.isSafeInteger(before) ? before : 0, limit + 1);
    const page = rows.slice(0, limit);
    const items = page.map(({ name, type, size, hash }) =>
      JSON.stringify({ name, type, size, hash } satisfies Artifact),
    );
    return { items, next: rows.length > limit ? String(page.at(-1)?.seq) : null };
  }

  /** Pins a new job's programs, or tells why not; see `Reservation`. */
  async createJob(request: ReservationRequest): Promise<Reservation> {
    const reservation = this.ctx.storage.transactionSync(() => reserveJob(this.#sql, request, Date.now()));
    await this.#arm();
    return reservation;
  }

  /** Notes that a job's object exists. Never overwrites what the object itself has published. */
  async confirmJob(job: Job): Promise<void> {
    this.#sql.exec(
      `INSERT INTO job (id, created_at, snapshot) VALUES (?, ?, ?) ON CONFLICT (id)
       DO UPDATE SET snapshot = coalesce(job.snapshot, excluded.snapshot), reserved_until = NULL`,
      job.id,
      job.startTime,
      snapshotOf(job),
    );
    await this.#arm();
  }

  /**
   * Stores what the list of jobs shows. `ended` lets go of the job's programs; nothing that arrives later undoes it. A job
   * whose reservation had run out is listed again: it exists after all, and can be seen and stopped.
   */
  async publish(job: Job, ended: boolean): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      if (isLeaving(this.#sql, job.id)) return;
      this.#sql.exec(
        `INSERT INTO job (id, created_at, ended, snapshot) VALUES (?, ?, ?, ?) ON CONFLICT (id)
         DO UPDATE SET snapshot = excluded.snapshot, ended = excluded.ended, reserved_until = NULL
         WHERE excluded.ended >= job.ended`,
        job.id,
        job.startTime,
        ended ? 1 : 0,
        snapshotOf(job),
      );
      if (ended) unpin(this.#sql, job.id, Date.now());
    });
    await this.#arm();
  }

  /** Whether the job's object exists, and may be called. */
  async hasJob(id: string): Promise<boolean> {
    return this.#sql.exec("SELECT 1 FROM job WHERE id = ? AND reserved_until IS NULL", id).toArray().length > 0;
  }

  /** Jobs as they were published, newest first; fewer than `limit` where they are long. */
  async listJobs(after: string | null, limit: number): Promise<Items> {
    const query = `SELECT id, snapshot FROM job WHERE snapshot IS NOT NULL AND id < ? ORDER BY id DESC LIMIT ?`;
    const items: string[] = [];
    let length = 0;
    let last: string | null = null;
    // Read row by row, without an await, so that a page of long jobs is not held beyond its end.
    for (const row of this.#sql.exec(query, after ?? "~", limit + 1)) {
      const { id, snapshot } = SnapshotRowSchema.parse(row);
      if (items.length === limit || (items.length > 0 && length + snapshot.length > maxPageLength)) {
        return { items, next: last };
      }
      items.push(snapshot);
      length += snapshot.length;
      last = id;
    }
    return { items, next: null };
  }

  override async alarm(): Promise<void> {
    let notBefore = 0;
    try {
      this.ctx.storage.transactionSync(() => this.#giveUp(Date.now()));
      await eraseLeaving(this.#sql, async (id) => await jobOf(this.env, id).erase(), Date.now());
      await collectGarbage(this.#sql, this.env.ARTIFACTS, Date.now());
    } catch (error) {
      // An alarm that throws is given up by the platform after a few tries; this one never is.
      console.error("The registry could not tidy up; it is tried again", error);
      notBefore = Date.now() + alarmRetry;
    }
    await this.#arm(notBefore);
  }

  /** Gives up all that has been kept for long enough. */
  #giveUp(now: number): void {
    expire(this.#sql, now);
    const retention = retentionMs(this.env);
    if (retention !== undefined) retireJobs(this.#sql, now - retention, now);
  }

  #removeName(name: string): boolean {
    const keySchema = z.object({ key: z.string() });
    const [removed] = rowsOf(this.#sql, keySchema, "DELETE FROM artifact WHERE name = ? RETURNING key", name);
    if (removed !== undefined) discardUnused(this.#sql, removed.key, Date.now());
    return removed !== undefined;
  }

  async #arm(notBefore = 0): Promise<void> {
    const due = nextDue(this.#sql, retentionMs(this.env) ?? null);
    if (due === null) await this.ctx.storage.deleteAlarm();
    else await this.ctx.storage.setAlarm(Math.max(due, notBefore));
  }
}
