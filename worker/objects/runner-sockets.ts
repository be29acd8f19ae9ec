import { z } from "zod";
import type { AttemptRow } from "../../shared/machine.ts";
import { closeCodes, type RunnerNotice } from "../../shared/messages.ts";

/** Who is at the other end of a socket; kept with the socket, so that it survives the object's hibernation. */
const PeerSchema = z.object({
  runnerId: z.string(),
  podName: z.string(),
  /** It has asked for work, and there was none. */
  idle: z.boolean(),
  /** When it said hello, in ms. */
  since: z.int(),
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
    const peer: Peer = { runnerId, podName, idle: false, since: Date.now() };
    socket.serializeAttachment(peer);
  }

  setIdle(socket: WebSocket, idle: boolean): void {
    const peer = this.peer(socket);
    if (peer !== undefined && peer.idle !== idle) socket.serializeAttachment({ ...peer, idle });
  }

  /** How many runners are connected. */
  count(): number {
    return [...this.#peers()].length;
  }

  /** When the runner last gave a sign of life, in ms; 0 when it is not connected. */
  lastContact(runnerId: string): number {
    let last = 0;
    for (const [socket, peer] of this.#peers()) {
      if (peer.runnerId !== runnerId) continue;
      const pinged = this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
      last = Math.max(last, peer.since, pinged);
    }
    return last;
  }

  /** Tells idle runners that there may be work. */
  wake(): void {
    for (const [socket, peer] of this.#peers()) {
      if (!peer.idle) continue;
      socket.serializeAttachment({ ...peer, idle: false });
      notify(socket, { kind: "wake" });
    }
  }

  revoke(attempt: AttemptRow, reason: string): void {
    for (const [socket, peer] of this.#peers()) {
      if (peer.runnerId === attempt.runnerId) notify(socket, { kind: "revoke", attempt: attempt.id, reason });
    }
  }

  /** The job needs runners no more. */
  endAll(): void {
    for (const [socket] of this.#peers()) socket.close(closeCodes.ended, "the job has ended");
  }

  /** Answers a close, without which the peer waits for ten seconds. */
  closed(socket: WebSocket, code: number, reason: string): void {
    socket.serializeAttachment(null);
    // 1005 and 1006 say that no code was sent, and may not be sent themselves (RFC 6455, section 7.4.1).
    if (code === 1005 || code === 1006) socket.close();
    else socket.close(code, reason);
  }

  *#peers(): Generator<[WebSocket, Peer]> {
    for (const socket of this.#ctx.getWebSockets()) {
      const peer = this.peer(socket);
      if (peer !== undefined) yield [socket, peer];
    }
  }
}

const notify = (socket: WebSocket, notice: RunnerNotice): void => {
  try {
    socket.send(JSON.stringify(notice));
  } catch {
    // The socket is closing; the runner learns of it from the answer to its next hello.
  }
};
