import type { ZodType } from "zod";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { answerClose } from "./socket.ts";

/** How long a socket may stay open without a hello, in ms. */
const helloLimit = 30_000;

/** What the sockets of an object are known by, from one look at all of them on. */
type Index<Peer> = {
  /** Of those that have said hello. */
  readonly peers: Map<WebSocket, Peer>;
  readonly byName: Map<string, WebSocket>;
  /** When each of the others was accepted, in ms since 1970. */
  readonly silent: Map<WebSocket, number>;
};

/**
 * The hibernating WebSockets of an object's peers; it may have others. Who is at the other end is kept with the socket, so that it survives hibernation;
 * an instance looks at all sockets once, and from then on no event costs more the more of them there are.
 */
export class Sockets<Peer extends { readonly name: string }> {
  readonly #ctx: DurableObjectState;
  readonly #schema: ZodType<Peer>;
  #index: Index<Peer> | undefined;

  /** @param schema of what is known of a peer that has said hello */
  constructor(ctx: DurableObjectState, schema: ZodType<Peer>) {
    this.#ctx = ctx;
    this.#schema = schema;
  }

  /** Answers an upgrade. The peer is nobody until it says hello. */
  accept(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    const { silent } = this.#known();
    this.#ctx.acceptWebSocket(server);
    const now = Date.now();
    server.serializeAttachment(now);
    silent.set(server, now);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** How many peers have said hello. */
  get size(): number {
    return this.#known().byName.size;
  }

  /** Who is at the other end; undefined before its hello, and after another socket took over. */
  peer(socket: WebSocket): Peer | undefined {
    return this.#known().peers.get(socket);
  }

  /** The socket of a peer. */
  named(name: string): WebSocket | undefined {
    return this.#known().byName.get(name);
  }

  /** All peers that have said hello. */
  entries(): Iterable<[WebSocket, Peer]> {
    return this.#known().peers;
  }

  /** From here on the socket is this peer's; an older one of the same peer is closed. */
  identify(socket: WebSocket, peer: Peer): void {
    const { byName, silent } = this.#known();
    const former = byName.get(peer.name);
    if (former !== undefined && former !== socket) {
      this.#drop(former);
      former.close(closeCodes.replaced, "another connection of the same peer took over");
    }
    silent.delete(socket);
    byName.set(peer.name, socket);
    this.update(socket, peer);
  }

  /** Keeps what is known of a peer now. */
  update(socket: WebSocket, peer: Peer): void {
    socket.serializeAttachment(peer);
    this.#known().peers.set(socket, peer);
  }

  /** When a peer gave its last sign of life that the platform has answered, in ms since 1970; 0 where there was none. */
  lastPing(socket: WebSocket): number {
    return this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
  }

  /** The socket is closed, or about to be: its peer is nobody any more. @returns who it was */
  closed(socket: WebSocket, code: number, reason: string): Peer | undefined {
    const peer = this.peer(socket);
    this.#drop(socket);
    answerClose(socket, code, reason);
    return peer;
  }

  /** Closes the sockets of all peers, also of those that never said hello. */
  closeAll(code: number, reason: string): void {
    const { peers, silent } = this.#known();
    for (const socket of [...peers.keys(), ...silent.keys()]) {
      this.#drop(socket);
      socket.close(code, reason);
    }
  }

  /** When the next socket has been silent for too long, in ms since 1970. */
  nextSilent(): number | undefined {
    // In the order in which they were accepted.
    const [oldest] = this.#known().silent.values();
    return oldest === undefined ? undefined : oldest + helloLimit;
  }

  /** Closes the sockets that have been silent for too long. */
  closeSilent(now: number): void {
    for (const [socket, acceptedAt] of this.#known().silent) {
      if (acceptedAt + helloLimit > now) return;
      this.#drop(socket);
      socket.close(closeCodes.malformed, "no hello came");
    }
  }

  #drop(socket: WebSocket): void {
    const { peers, byName, silent } = this.#known();
    const name = peers.get(socket)?.name;
    if (name !== undefined && byName.get(name) === socket) byName.delete(name);
    peers.delete(socket);
    silent.delete(socket);
    socket.serializeAttachment(null);
  }

  #known(): Index<Peer> {
    this.#index ??= this.#lookAtAll();
    return this.#index;
  }

  #lookAtAll(): Index<Peer> {
    const index: Index<Peer> = { peers: new Map(), byName: new Map(), silent: new Map() };
    const silent: [WebSocket, number][] = [];
    for (const socket of this.#ctx.getWebSockets()) {
      const attachment: unknown = socket.deserializeAttachment();
      const peer = this.#schema.safeParse(attachment).data;
      if (peer !== undefined) {
        index.peers.set(socket, peer);
        index.byName.set(peer.name, socket);
      } else if (typeof attachment === "number") silent.push([socket, attachment]);
    }
    for (const [socket, acceptedAt] of silent.toSorted(([, a], [, b]) => a - b)) index.silent.set(socket, acceptedAt);
    return index;
  }
}
