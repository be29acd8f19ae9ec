import { z } from "zod";
import type { AttemptRow } from "../../../shared/engine/machine.ts";
import { closeCodes } from "../../../shared/protocol/connection.ts";
import type { RunnerNotice } from "../../../shared/protocol/runner.ts";
import { answerClose, sendJson } from "../../platform/socket.ts";

/** Who is at the other end of a socket; kept with the socket, so that it survives the object's hibernation. */
const PeerSchema = z.object({
  runnerId: z.string(),
  podName: z.string(),
  /** It has asked for work, and there was none. */
  idle: z.boolean(),
  /** The different tasks that it has failed since it last completed one. */
  failed: z.array(z.string()),
  /** When it said hello, in ms. */
  since: z.int(),
  /** When it was last given a token, in ms. */
  renewed: z.int(),
});
export type Peer = z.infer<typeof PeerSchema>;

/** The hibernating WebSockets of a job's runners. */
export class RunnerSockets {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /** Answers an upgrade. The peer is nobody until it says hello. */
  accept(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  peer(socket: WebSocket): Peer | undefined {
    return PeerSchema.safeParse(socket.deserializeAttachment()).data;
  }

  /** From here on the socket is this runner's; an older one of the same runner is closed. */
  identify(socket: WebSocket, runnerId: string, podName: string): void {
    for (const [other, peer] of this.#peers()) {
      if (other !== socket && peer.runnerId === runnerId) {
        other.serializeAttachment(null);
        other.close(closeCodes.replaced, "another connection of the same runner took over");
      }
    }
    const now = Date.now();
    const peer: Peer = { runnerId, podName, idle: false, failed: [], since: now, renewed: now };
    socket.serializeAttachment(peer);
  }

  setIdle(socket: WebSocket, idle: boolean): void {
    const peer = this.peer(socket);
    if (peer !== undefined && peer.idle !== idle) socket.serializeAttachment({ ...peer, idle });
  }

  /** Notes that the runner has failed a task, or, with null, that it has completed one. */
  noteOutcome(socket: WebSocket, failed: string | null): void {
    const peer = this.peer(socket);
    if (peer === undefined) return;
    if (failed !== null) socket.serializeAttachment({ ...peer, failed: [...new Set([...peer.failed, failed])] });
    else if (peer.failed.length > 0) socket.serializeAttachment({ ...peer, failed: [] });
  }

  /** Whether a runner waits for work. */
  hasIdle(): boolean {
    return this.#peers().some(([, { idle }]) => idle);
  }

  /** It is given a token. */
  setRenewed(socket: WebSocket, now: number): void {
    const peer = this.peer(socket);
    if (peer !== undefined) socket.serializeAttachment({ ...peer, renewed: now });
  }

  /** How many runners are connected. */
  count(): number {
    return [...this.#peers()].length;
  }

  /** When each connected runner last gave a sign of life, in ms. */
  contacts(): Map<string, number> {
    const contacts = new Map<string, number>();
    for (const [socket, { runnerId, since }] of this.#peers()) {
      const pinged = this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
      contacts.set(runnerId, Math.max(contacts.get(runnerId) ?? 0, since, pinged));
    }
    return contacts;
  }

  /** Notifies up to `tasks` idle runners that there may be work. A runner whose notice is lost asks again by itself. */
  wake(tasks: number): void {
    let left = tasks;
    for (const [socket, peer] of this.#peers()) {
      if (left === 0) return;
      if (!peer.idle) continue;
      left -= 1;
      socket.serializeAttachment({ ...peer, idle: false });
      notify(socket, { kind: "wake" });
    }
  }

  /** Tells the runners of these attempts to end them. */
  revoke(attempts: readonly AttemptRow[], reason: string): void {
    if (attempts.length === 0) return;
    const ofRunner = Map.groupBy(attempts, ({ runnerId }) => runnerId);
    for (const [socket, { runnerId }] of this.#peers()) {
      for (const { id } of ofRunner.get(runnerId) ?? []) notify(socket, { kind: "revoke", attempt: id, reason });
    }
  }

  /** The job needs runners no more. */
  endAll(): void {
    for (const [socket] of this.#peers()) socket.close(closeCodes.ended, "the job has ended");
  }

  /** The peer has closed its end. */
  closed(socket: WebSocket, code: number, reason: string): void {
    socket.serializeAttachment(null);
    answerClose(socket, code, reason);
  }

  *#peers(): Generator<[WebSocket, Peer]> {
    for (const socket of this.#ctx.getWebSockets()) {
      const peer = this.peer(socket);
      if (peer !== undefined) yield [socket, peer];
    }
  }
}

const notify = (socket: WebSocket, notice: RunnerNotice): void => sendJson(socket, notice);
