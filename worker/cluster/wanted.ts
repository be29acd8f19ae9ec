import { z } from "zod";
import { WantedJobSchema, type AgentNotice, type WantedJob } from "../../shared/protocol/agent.ts";

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

  /** All that an agent must know, as notices: removals first, then jobs in the order in which they came. */
  *notices(): Generator<AgentNotice, void, void> {
    // Read row by row, as a thousand jobs can have many megabytes.
    for (const row of this.#sql.exec("SELECT job FROM removal")) {
      yield { kind: "remove", jobId: RemovalRowSchema.parse(row).job };
    }
    for (const row of this.#sql.exec("SELECT wanted FROM wanted_job ORDER BY seq")) {
      yield { kind: "wanted", job: WantedJobSchema.parse(JSON.parse(WantedRowSchema.parse(row).wanted)) };
    }
  }

  #has(query: string, jobId: string): boolean {
    return this.#sql.exec(query, jobId).toArray().length > 0;
  }
}
