import { DurableObject } from "cloudflare:workers";
import type { Cluster } from "../../shared/api/clusters.ts";
import type { WantedJob } from "../../shared/protocol/agent.ts";
import { pingText, pongText } from "../../shared/protocol/connection.ts";
import type { ClusterApi } from "../contracts.ts";
import { jobOf, type Env } from "../env.ts";
import { EventLoop } from "../platform/event-loop.ts";
import { migrate } from "../platform/migrations.ts";
import { Outbox } from "../platform/outbox.ts";
import { Sockets } from "../platform/sockets.ts";
import { AgentRecord } from "./agent.ts";
import { AgentLink, AgentPeerSchema, type AgentPeer } from "./link.ts";
import { Reports } from "./reports.ts";
import { schema } from "./schema.ts";
import { WantedJobs } from "./wanted.ts";

/**
 * One cluster: what its agent is to see to, and what the agent reports. The JobObjects store here what they want; the agent
 * hears it at once if it is connected, and all of it whenever it connects. What the agent reports is stored, and delivered to
 * the job until the job has it. So no message between jobs and agent is lost for good.
 */
export class ClusterObject extends DurableObject<Env> implements ClusterApi {
  readonly #sockets: Sockets<AgentPeer>;
  readonly #agent: AgentRecord;
  readonly #wanted: WantedJobs;
  readonly #reports: Reports;
  readonly #loop: EventLoop;
  readonly #link: AgentLink;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    migrate(ctx.storage, schema);
    const outbox = new Outbox(sql, async (jobId) => await this.#deliver(jobId));
    this.#sockets = new Sockets(ctx, AgentPeerSchema);
    this.#agent = new AgentRecord(sql);
    this.#wanted = new WantedJobs(sql);
    this.#reports = new Reports(sql, outbox);
    this.#loop = new EventLoop(ctx, {
      outbox,
      exists: () => true,
      nextDue: () => this.#sockets.nextSilent(),
      forget: () => undefined,
    });
    this.#link = new AgentLink({
      sockets: this.#sockets,
      loop: this.#loop,
      agent: this.#agent,
      wanted: this.#wanted,
      reports: this.#reports,
    });
    // No connection survives the death of the last instance, and none was said to be closed.
    if (this.#sockets.size === 0) this.#agent.lost();
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pingText, pongText));
  }

  async want(job: WantedJob): Promise<void> {
    if (this.#loop.run(() => this.#wanted.want(job))) this.#link.notify({ kind: "wanted", job });
  }

  async remove(jobId: string): Promise<void> {
    if (this.#loop.run(() => this.#wanted.remove(jobId))) this.#link.notify({ kind: "remove", jobId });
  }

  async agentAbsentSince(): Promise<number | null> {
    return this.#agent.absentSince();
  }

  async describe(name: string): Promise<Cluster> {
    const { hello, contact, problem } = this.#agent.last();
    const [linked] = this.#sockets.entries();
    const pinged = linked === undefined ? 0 : this.#sockets.lastPing(linked[0]);
    return {
      name,
      connected: linked !== undefined,
      version: hello?.release ?? null,
      launcher: hello?.launcher ?? null,
      capacity: hello?.capacity ?? null,
      lastContact: contact === null ? null : Math.max(contact, pinged),
      problem,
    };
  }

  // ---- the agent's link

  override async fetch(): Promise<Response> {
    const response = this.#sockets.accept();
    this.#loop.settle();
    return response;
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#link.receive(socket, message);
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    if (this.#sockets.closed(socket, code, reason) !== undefined) this.#loop.run(() => this.#agent.lost());
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket, 1006, "");
  }

  override async alarm(): Promise<void> {
    await this.#loop.ring((now) => this.#sockets.closeSilent(now));
  }

  /** Delivers what the agent has reported of a job, in order. */
  async #deliver(jobId: string): Promise<void> {
    const reports = this.#reports.of(jobId);
    const last = reports.at(-1);
    if (last === undefined) return;
    const isOver = await jobOf(this.env, jobId).report(reports);
    this.#loop.run(() => this.#reports.delivered(jobId, last.seq));
    // What it had wanted may have come here after it was removed: that runner would not be the last.
    if (isOver && !this.#wanted.isRemoval(jobId)) await this.remove(jobId);
  }
}
