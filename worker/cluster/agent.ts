import { z } from "zod";
import type { AgentRequest } from "../../shared/protocol/agent.ts";

type Hello = Extract<AgentRequest, { kind: "hello" }>;

/** What an agent has last said of itself. */
const HelloSchema = z.object({ release: z.string(), launcher: z.string(), capacity: z.int() });
const RowSchema = z.object({
  hello: z.string().nullable(),
  contact: z.int().nullable(),
  problem: z.string().nullable(),
});
const ClusterRowSchema = z.object({ cluster_id: z.string().nullable(), absent_since: z.int().nullable() });

/** What is known of the cluster's agent, whether it is connected or not. Owns the tables `cluster` and `agent`. */
export class AgentRecord {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Gives the cluster's name to the first cluster that uses it. @returns whether it is this one's */
  bind(clusterId: string): boolean {
    this.#sql.exec("UPDATE cluster SET cluster_id = ? WHERE cluster_id IS NULL", clusterId);
    return this.#cluster().cluster_id === clusterId;
  }

  /** An agent is connected. @param problem what should be known of it */
  welcomed(hello: Hello, problem: string | null): void {
    this.#sql.exec("UPDATE cluster SET absent_since = NULL");
    this.#save(hello, problem);
  }

  /** An agent was refused. @param problem why */
  refused(hello: Hello, problem: string): void {
    this.#save(hello, problem);
  }

  /** The agent's connection is found to be lost. */
  lost(): void {
    if (this.absentSince() !== null) return;
    this.#sql.exec("UPDATE cluster SET absent_since = ?", Date.now());
    this.#sql.exec("UPDATE agent SET contact = ?", Date.now());
  }

  /** Since when no agent is connected, in ms since 1970; null when one is. */
  absentSince(): number | null {
    return this.#cluster().absent_since;
  }

  /** What the last agent has said of itself; `contact` is in ms since 1970. Null where there never was one. */
  last(): {
    readonly hello: z.infer<typeof HelloSchema> | null;
    readonly contact: number | null;
    readonly problem: string | null;
  } {
    const { hello, contact, problem } = RowSchema.parse(
      this.#sql.exec("SELECT hello, contact, problem FROM agent").one(),
    );
    return { hello: hello === null ? null : HelloSchema.parse(JSON.parse(hello)), contact, problem };
  }

  #save(hello: Hello, problem: string | null): void {
    this.#sql.exec("UPDATE agent SET hello = ?, contact = ?, problem = ?", JSON.stringify(hello), Date.now(), problem);
  }

  #cluster(): z.infer<typeof ClusterRowSchema> {
    return ClusterRowSchema.parse(this.#sql.exec("SELECT cluster_id, absent_since FROM cluster").one());
  }
}
