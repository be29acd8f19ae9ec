import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import {
  AgentRequestSchema,
  closeCodes,
  pingText,
  pongText,
  protocolVersion,
  WantedJobSchema,
  type AgentAnswer,
  type AgentNotice,
  type AgentRequest,
  type WantedJob,
} from "../../shared/messages.ts";
import { parseJson } from "../../shared/json.ts";
import { jobOf, type Env } from "../env.ts";
import { answerClose, sendJson } from "./socket.ts";

type Request<Kind extends AgentRequest["kind"]> = Extract<AgentRequest, { kind: Kind }>;
type Reply = AgentAnswer extends infer Answer ? (Answer extends { re: number } ? Omit<Answer, "re"> : never) : never;

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
export class ClusterObject extends DurableObject<Env> {
  readonly #sql: SqlStorage;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS wanted (seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT UNIQUE NOT NULL, runners INTEGER NOT NULL, token TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS removal (job TEXT PRIMARY KEY);
      CREATE TABLE IF NOT EXISTS cluster (id INTEGER PRIMARY KEY CHECK (id = 1), cluster_id TEXT, absent_since INTEGER);
    `);
    this.#sql.exec("INSERT OR IGNORE INTO cluster VALUES (1, NULL, ?)", Date.now());
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pingText, pongText));
  }

  /** From now on the job wants this many runners. */
  async want(job: WantedJob): Promise<void> {
    if (this.#isRemoval(job.jobId)) return;
    this.#sql.exec(
      `INSERT INTO wanted (job, runners, token) VALUES (?, ?, ?)
       ON CONFLICT (job) DO UPDATE SET runners = excluded.runners, token = excluded.token`,
      job.jobId,
      job.runners,
      job.token,
    );
    this.#notify({ kind: "wanted", job });
  }

  /** Nothing of the job is to stay in the cluster. Kept until the agent says that this is so. */
  async remove(jobId: string): Promise<void> {
    const wanted = this.#sql.exec("DELETE FROM wanted WHERE job = ?", jobId).rowsWritten > 0;
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
    switch (request.kind) {
      case "exited":
        return await told(async () => {
          await jobOf(this.env, request.jobId).runnerExited(request.runnerId, request.reason);
        });
      case "trouble":
        return await told(async () => {
          await jobOf(this.env, request.jobId).trouble(request.message);
        });
      case "removed":
        this.#sql.exec("DELETE FROM removal WHERE job = ?", request.jobId);
        return done;
    }
  }

  #hello(request: Request<"hello">, socket: WebSocket): Reply | undefined {
    if (request.version !== protocolVersion) {
      socket.close(closeCodes.version, `the Worker speaks protocol ${protocolVersion}, the agent ${request.version}`);
      return undefined;
    }
    this.#sql.exec("UPDATE cluster SET cluster_id = ? WHERE cluster_id IS NULL", request.clusterId);
    const bound = this.#sql.exec("SELECT cluster_id FROM cluster").one()["cluster_id"];
    if (bound !== request.clusterId) {
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
    return {
      kind: "welcome",
      wanted: z
        .array(WantedJobSchema)
        .parse(this.#sql.exec("SELECT job AS jobId, runners, token FROM wanted ORDER BY seq").toArray()),
      remove: this.#sql
        .exec("SELECT job FROM removal")
        .toArray()
        .map(({ job }) => z.string().parse(job)),
    };
  }

  #isRemoval(jobId: string): boolean {
    return this.#sql.exec("SELECT 1 FROM removal WHERE job = ?", jobId).toArray().length > 0;
  }

  #knows(jobId: string): boolean {
    return this.#isRemoval(jobId) || this.#sql.exec("SELECT 1 FROM wanted WHERE job = ?", jobId).toArray().length > 0;
  }

  /** The socket of the agent, once it was welcomed. */
  #welcomed(): WebSocket[] {
    return this.ctx.getWebSockets().filter((socket) => socket.deserializeAttachment() === true);
  }

  #notify(notice: AgentNotice): void {
    for (const socket of this.#welcomed()) sendJson(socket, notice);
  }
}
