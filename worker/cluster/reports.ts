import { z } from "zod";
import { LauncherConditionSchema, type AgentReport } from "../../shared/protocol/agent.ts";
import type { Report } from "../contracts.ts";
import type { Outbox } from "../platform/outbox.ts";
import { rowsOf } from "../platform/sql.ts";

/** Most reports in one call, which carries at most 32 MiB. The two texts of a report have at most 256 KiB. */
const pageSize = 100;

const FailureSchema = z.object({ code: z.string(), message: z.string() });
const BodySchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("exited"),
    runnerId: z.string(),
    reason: z.string(),
    failure: FailureSchema.nullable(),
    disrupted: z.boolean().optional(),
  }),
  z.object({ kind: z.literal("conditions"), conditions: z.array(LauncherConditionSchema) }),
  z.object({ kind: z.literal("failed"), failure: FailureSchema }),
]);
type Body = z.infer<typeof BodySchema>;
const RowSchema = z.object({ seq: z.int(), body: z.string() });

const bodyOf = (report: AgentReport): Body => {
  switch (report.kind) {
    case "exited": {
      const { kind, runnerId, reason, failure, disrupted } = report;
      return { kind, runnerId, reason, failure, disrupted };
    }
    case "conditions":
      return { kind: report.kind, conditions: report.conditions };
    case "failed":
      return { kind: report.kind, failure: { code: report.code, message: report.message } };
  }
};

/** What a report says something about: a newer one of the same key supersedes it. */
const keyOf = (report: AgentReport): string => (report.kind === "exited" ? `exited:${report.runnerId}` : report.kind);

/**
 * What the agent has last said of each job, until the job has taken it in. Owns the table `report`. Each job with reports is a
 * target of the outbox.
 */
export class Reports {
  readonly #sql: SqlStorage;
  readonly #outbox: Outbox;

  constructor(sql: SqlStorage, outbox: Outbox) {
    this.#sql = sql;
    this.#outbox = outbox;
  }

  /** Stores a report for delivery, in place of the one that it supersedes. */
  store(report: AgentReport): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO report (job, key, body) VALUES (?, ?, ?)",
      report.jobId,
      keyOf(report),
      JSON.stringify(bodyOf(report)),
    );
    this.#outbox.mark(report.jobId, Date.now());
  }

  /** The oldest undelivered reports of a job, in order; at most 100. */
  of(jobId: string): Report[] {
    const query = "SELECT seq, body FROM report WHERE job = ? ORDER BY seq LIMIT ?";
    return rowsOf(this.#sql, RowSchema, query, jobId, pageSize).map(({ seq, body }) => ({
      seq,
      ...BodySchema.parse(JSON.parse(body)),
    }));
  }

  /** Drops the reports of a job up to number `seq`, which it has taken in. The others are still to be delivered. */
  delivered(jobId: string, seq: number): void {
    this.#sql.exec("DELETE FROM report WHERE job = ? AND seq <= ?", jobId, seq);
    if (this.of(jobId).length === 0) this.#outbox.drop(jobId);
    else this.#outbox.mark(jobId, Date.now());
  }
}
