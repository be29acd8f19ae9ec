import { z } from "zod";
import { WantedJobSchema, type WantedJob } from "../../shared/protocol/agent.ts";
import { rowsOf } from "../platform/sql.ts";

const WantedRowSchema = z.object({ wanted: z.string() });
const RemovalRowSchema = z.object({ job: z.string() });

/** What the agent is to see to. Owns the tables `wanted_job` and `removal`; a job is in one of them, or in none. */
export class WantedJobs {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Stores what a job wants. @returns whether that is news: the job is not to be removed, and has not said anything newer */
  want(job: WantedJob): boolean {
    if (this.isRemoval(job.jobId)) return false;
    const written = this.#sql.exec(
      `INSERT INTO wanted_job (job, wanted) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET wanted = excluded.wanted
       WHERE excluded.wanted ->> '$.version' >= coalesce(wanted_job.wanted ->> '$.version', 0) RETURNING job`,
      job.jobId,
      JSON.stringify(job),
    );
    return written.toArray().length > 0;
  }

  /** Has a job removed from the cluster. @returns false where it was never wanted, or was removed before */
  remove(jobId: string): boolean {
    const wanted = this.#sql.exec("DELETE FROM wanted_job WHERE job = ? RETURNING job", jobId).toArray().length > 0;
    if (!wanted && !this.isRemoval(jobId)) return false;
    this.#sql.exec("INSERT OR IGNORE INTO removal (job) VALUES (?)", jobId);
    return true;
  }

  /** Nothing of the job is left in the cluster. */
  removed(jobId: string): void {
    this.#sql.exec("DELETE FROM removal WHERE job = ?", jobId);
  }

  /** Whether the job is to be removed. */
  isRemoval(jobId: string): boolean {
    return this.#has("SELECT 1 FROM removal WHERE job = ?", jobId);
  }

  /** Whether the job is wanted, or to be removed. */
  has(jobId: string): boolean {
    return this.isRemoval(jobId) || this.#has("SELECT 1 FROM wanted_job WHERE job = ?", jobId);
  }

  /** All wanted jobs, in the order in which they came. */
  jobs(): WantedJob[] {
    return rowsOf(this.#sql, WantedRowSchema, "SELECT wanted FROM wanted_job ORDER BY seq").map(({ wanted }) =>
      WantedJobSchema.parse(JSON.parse(wanted)),
    );
  }

  /** The ids of all jobs that are to be removed. */
  removals(): string[] {
    return rowsOf(this.#sql, RemovalRowSchema, "SELECT job FROM removal").map(({ job }) => job);
  }

  #has(query: string, jobId: string): boolean {
    return this.#sql.exec(query, jobId).toArray().length > 0;
  }
}
