import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import {
  AgentRequestSchema,
  WantedJobSchema,
  type AgentAnswer,
  type AgentNotice,
  type AgentRequest,
  type WantedJob,
} from "../../shared/protocol/agent.ts";
import { closeCodes, pingText, pongText, protocolVersion } from "../../shared/protocol/connection.ts";
import { parseJson } from "../../shared/json.ts";
import { release } from "../../shared/release.ts";
import type { Cluster } from "../../shared/api/clusters.ts";
import { jobOf, type Env } from "../env.ts";
import type { ClusterApi } from "../contracts.ts";
import { answerClose, sendJson } from "../platform/socket.ts";

type Request<Kind extends AgentRequest["kind"]> = Extract<AgentRequest, { kind: Kind }>;
type Reply = AgentAnswer extends infer Answer ? (Answer extends { re: number } ? Omit<Answer, "re"> : never) : never;

/** What an agent has last said of itself. */
const HelloSchema = z.object({ release: z.string(), launcher: z.string(), capacity: z.int() });
const AgentRowSchema = z.object({
  hello: z.string().nullable(),
  contact: z.int().nullable(),
  problem: z.string().nullable(),
});

const done: Reply = { kind: "done" };

/** Tells a job, twice where the first try fails, as one does that meets a new deployment. An agent must always be answered. */
const told = async (tell: () => Promise<void>): Promise<Reply> => {
  try {
    await tell().catch(tell);
    return done;
  } catch (error) {
    console.error("a job could not be told", error);
    return { kind: "error", message: "the job could not be told" };
  }
};

/**
 * One cluster: what its agent is to see to. The JobObjects write here what they want, the agent is told at once if it is
 * connected, and hears everything again whenever it connects; so no message between them can be lost for good.
 */
export class ClusterObject extends DurableObject<Env> implements ClusterApi {
  readonly #sql: SqlStorage;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS wanted_job (seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT UNIQUE NOT NULL, wanted TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS removal (job TEXT PRIMARY KEY);
      CREATE TABLE IF NOT EXISTS cluster (id INTEGER PRIMARY KEY CHECK (id = 1), cluster_id TEXT, absent_since INTEGER);
      CREATE TABLE IF NOT EXISTS agent (id INTEGER PRIMARY KEY CHECK (id = 1), hello TEXT, contact INTEGER, problem TEXT);
    `);
    this.#sql.exec("INSERT OR IGNORE INTO cluster VALUES (1, NULL, ?)", Date.now());
    this.#sql.exec("INSERT OR IGNORE INTO agent VALUES (1, NULL, NULL, NULL)");
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pingText, pongText));
  }

  /** From now on the job wants this many runners, unless it has said something newer. */
  async want(job: WantedJob): Promise<void> {
    if (this.#isRemoval(job.jobId)) return;
    const written = this.#sql
      .exec(
        `INSERT INTO wanted_job (job, wanted) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET wanted = excluded.wanted
         WHERE excluded.wanted ->> '$.version' >= coalesce(wanted_job.wanted ->> '$.version', 0) RETURNING job`,
        job.jobId,
        JSON.stringify(job),
      )
      .toArray();
    if (written.length > 0) this.#notify({ kind: "wanted", job });
  }

  /** Nothing of the job is to stay in the cluster. Kept until the agent says that this is so. */
  async remove(jobId: string): Promise<void> {
    const wanted = this.#sql.exec("DELETE FROM wanted_job WHERE job = ?", jobId).rowsWritten > 0;
    // A repetition, when the agent has removed everything already.
    if (!wanted && !this.#isRemoval(jobId)) return;
    this.#sql.exec("INSERT OR IGNORE INTO removal (job) VALUES (?)", jobId);
    this.#notify({ kind: "remove", jobId });
  }

  /** Since when no agent is connected, in ms; null when one is. */
  async agentAbsentSince(): Promise<number | null> {
    return this.#welcomed().length > 0
      ? null
      : z.object({ absent_since: z.int() }).parse(this.#sql.exec("SELECT absent_since FROM cluster").one())
          .absent_since;
  }

  /** As the REST API shows it. */
  async describe(name: string): Promise<Cluster> {
    const { hello, contact, problem } = AgentRowSchema.parse(this.#sql.exec("SELECT * FROM agent").one());
    const [socket] = this.#welcomed();
    const pinged = socket && this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime();
    const agent = hello === null ? null : HelloSchema.parse(JSON.parse(hello));
    return {
      name,
      connected: socket !== undefined,
      version: agent?.release ?? null,
      launcher: agent?.launcher ?? null,
      capacity: agent?.capacity ?? null,
      lastContact: contact === null ? null : Math.max(contact, pinged ?? 0),
      problem,
    };
  }

  override async fetch(): Promise<Response> {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const parsed = AgentRequestSchema.safeParse(parseJson(message));
    if (!parsed.success) {
      socket.close(closeCodes.malformed, "not a message that this Worker understands");
      return;
    }
    const reply = await this.#answer(parsed.data, socket);
    if (reply !== undefined) sendJson(socket, { re: parsed.data.id, ...reply });
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    const welcomed = socket.deserializeAttachment() === true;
    socket.serializeAttachment(false);
    if (welcomed && this.#welcomed().length === 0) {
      this.#sql.exec("UPDATE cluster SET absent_since = ?", Date.now());
      this.#sql.exec("UPDATE agent SET contact = ?", Date.now());
    }
    answerClose(socket, code, reason);
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket, 1006, "");
  }

  async #answer(request: AgentRequest, socket: WebSocket): Promise<Reply | undefined> {
    if (request.kind === "hello") return this.#hello(request, socket);
    if (socket.deserializeAttachment() !== true) {
      socket.close(closeCodes.malformed, "the first message must be hello");
      return undefined;
    }
    // Of jobs that this cluster does not know, nothing is touched: naming a JobObject would bring it into being.
    if (!this.#knows(request.jobId)) return done;
    const seq = Date.now();
    switch (request.kind) {
      case "exited":
        return await told(async () => {
          const { jobId, runnerId, reason, failure } = request;
          const isOver = await jobOf(this.env, jobId).report([{ seq, kind: "exited", runnerId, reason, failure }]);
          // What it had wanted may have come here after it was removed: that runner would not be the last.
          if (isOver && !this.#isRemoval(jobId)) await this.remove(jobId);
        });
      case "conditions":
        return await told(async () => {
          const { jobId, conditions } = request;
          await jobOf(this.env, jobId).report([{ seq, kind: "conditions", conditions }]);
        });
      case "failed":
        return await told(async () => {
          const { jobId, code, message } = request;
          await jobOf(this.env, jobId).report([{ seq, kind: "failed", failure: { code, message } }]);
        });
      case "removed":
        this.#sql.exec("DELETE FROM removal WHERE job = ?", request.jobId);
        return done;
    }
  }

  #hello(request: Request<"hello">, socket: WebSocket): Reply | undefined {
    if (request.version !== protocolVersion) {
      const problem = `the Worker speaks protocol ${protocolVersion}, the agent ${request.version}`;
      this.#refused(request, `An agent of release ${request.release || "0.1.0"} was refused: ${problem}.`);
      socket.close(closeCodes.version, problem);
      return undefined;
    }
    this.#sql.exec("UPDATE cluster SET cluster_id = ? WHERE cluster_id IS NULL", request.clusterId);
    const bound = this.#sql.exec("SELECT cluster_id FROM cluster").one()["cluster_id"];
    if (bound !== request.clusterId) {
      this.#refused(request, "An agent of another cluster was refused: it uses this cluster's name and token.");
      socket.close(
        closeCodes.clusterTaken,
        "this name belongs to another cluster; give each cluster a name of its own",
      );
      return undefined;
    }
    for (const other of this.#welcomed()) {
      if (other === socket) continue;
      other.serializeAttachment(false);
      other.close(closeCodes.replaced, "another agent of the same cluster took over");
    }
    socket.serializeAttachment(true);
    const mismatch =
      request.release === release ? null : `The agent is of release ${request.release}, the Worker of ${release}.`;
    this.#sql.exec(
      "UPDATE agent SET hello = ?, contact = ?, problem = ?",
      JSON.stringify(request),
      Date.now(),
      mismatch,
    );
    return {
      kind: "welcome",
      wanted: this.#sql
        .exec("SELECT wanted FROM wanted_job ORDER BY seq")
        .toArray()
        .map(({ wanted }) => WantedJobSchema.parse(JSON.parse(z.string().parse(wanted)))),
      remove: this.#sql
        .exec("SELECT job FROM removal")
        .toArray()
        .map(({ job }) => z.string().parse(job)),
    };
  }

  /** Keeps why an agent was refused, unless another one is at work. */
  #refused(request: Request<"hello">, problem: string): void {
    if (this.#welcomed().length > 0) return;
    this.#sql.exec(
      "UPDATE agent SET hello = ?, contact = ?, problem = ?",
      JSON.stringify(request),
      Date.now(),
      problem,
    );
  }

  #isRemoval(jobId: string): boolean {
    return this.#sql.exec("SELECT 1 FROM removal WHERE job = ?", jobId).toArray().length > 0;
  }

  #knows(jobId: string): boolean {
    return (
      this.#isRemoval(jobId) || this.#sql.exec("SELECT 1 FROM wanted_job WHERE job = ?", jobId).toArray().length > 0
    );
  }

  /** The socket of the agent, once it was welcomed. */
  #welcomed(): WebSocket[] {
    return this.ctx.getWebSockets().filter((socket) => socket.deserializeAttachment() === true);
  }

  #notify(notice: AgentNotice): void {
    for (const socket of this.#welcomed()) sendJson(socket, notice);
  }
}
