import type { Clock } from "./clock.ts";
import type { Random } from "../helpers/random.ts";
import type { Instance } from "./host.ts";

/** The callbacks at the far end of a connection. */
export type Peer = { onText(text: string): void; onClose(code: number, reason: string): void };

/** What a connection needs of the object that it leads to. */
type ObjectSide = {
  readonly sockets: Connection[];
  send(message: () => void): void;
  receive(socket: WebSocket, text: string): void;
  enter(event: (instance: Instance) => unknown): void;
};

export type Wires = { readonly clock: Clock; readonly random: Random; readonly heartbeatMs: number };

/**
 * In ms: the longest delay of a message, and the longest time until an end notices that the connection was cut, usually and
 * exceptionally.
 */
const slowest = 200;
const noticed = 5000;
const unnoticed = 90_000;

/** The probability that messages on their way to the object arrive after a cut, and that any message arrives twice. */
const stragglersArrive = 0.5;
const twice = 0.02;

const lost = { code: 1006, reason: "" };

/**
 * A WebSocket between a peer and an object. Messages arrive in order, with a delay; what was on its way at a cut can still
 * arrive, and neither end knows of the cut at once. The platform answers the peer's pings.
 */
export class Connection {
  readonly objectEnd: WebSocket;
  readonly #wires: Wires;
  readonly #object: ObjectSide;
  readonly #peer: Peer;
  #attachment = "null";
  #upUntil = 0;
  #downUntil = 0;
  /** Whether the peer's end is open, and the object's. */
  #peerOpen = true;
  #objectOpen = true;
  #isCut = false;
  /** When the peer started to ping, and when it stopped. */
  #pingsFrom: number;
  #pingsTo = Infinity;
  /** The last ping before the current series. */
  #pingedBefore: number;

  constructor(object: ObjectSide, peer: Peer, wires: Wires) {
    this.#wires = wires;
    this.#object = object;
    this.#peer = peer;
    this.#pingsFrom = wires.clock.now;
    this.#pingedBefore = wires.clock.now;
    const end = {
      send: (text: string) => {
        if (!this.#objectOpen) throw new Error("the socket is closed");
        object.send(() => this.#toPeer(() => peer.onText(text)));
      },
      close: (code = 1005, reason = "") => {
        if (!this.#objectOpen) return;
        this.#objectOpen = false;
        object.send(() => this.#toPeer(() => this.#peerLost(code, reason)));
      },
      serializeAttachment: (value: unknown) => {
        this.#attachment = JSON.stringify(value);
      },
      deserializeAttachment: (): unknown => JSON.parse(this.#attachment),
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has everything the objects use of a WebSocket
    this.objectEnd = end as unknown as WebSocket;
    object.sockets.push(this);
  }

  /** When the platform last answered a ping of the peer, as told to the object. */
  lastPing(): Date {
    return new Date(this.lastPingAt());
  }

  /** When the peer last sent a ping that was answered, in ms. */
  lastPingAt(): number {
    const { clock, heartbeatMs } = this.#wires;
    const beats = Math.floor((Math.min(clock.now, this.#pingsTo) - this.#pingsFrom) / heartbeatMs);
    return beats < 1 ? this.#pingedBefore : this.#pingsFrom + beats * heartbeatMs;
  }

  /** The peer is paused and does not ping. */
  pausePings(): void {
    if (this.#pingsTo !== Infinity) return;
    this.#pingsTo = this.#wires.clock.now;
  }

  resumePings(): void {
    if (this.#isCut || !this.#peerOpen) return;
    this.#pingedBefore = this.lastPingAt();
    this.#pingsFrom = this.#wires.clock.now;
    this.#pingsTo = Infinity;
  }

  /** From the peer to the object. */
  send(text: string): void {
    if (!this.#peerOpen || this.#isCut) return;
    for (let copies = this.#wires.random.chance(twice) ? 2 : 1; copies > 0; copies--) {
      this.#toObject(() => this.#object.receive(this.objectEnd, text));
    }
  }

  /** The network fails between the two. */
  cut(): void {
    if (this.#isCut) return;
    const { clock, random } = this.#wires;
    this.#arrive = random.chance(stragglersArrive);
    this.#isCut = true;
    this.pausePings();
    const soon = random.between(0, noticed);
    clock.after(random.between(0, noticed), () => this.#peerLost(lost.code, lost.reason));
    clock.after(random.chance(0.3) ? random.between(0, unnoticed) : soon, () => this.#objectLost());
  }

  /** The peer is gone, and the network reports it. */
  peerDied(): void {
    this.#peerOpen = false;
    this.pausePings();
    const { clock, random } = this.#wires;
    clock.after(random.between(0, slowest), () => this.#objectLost());
  }

  /** The object's instance died, and all connections with it. The next instance is not told. */
  objectDied(): void {
    this.#objectOpen = false;
    this.#isCut = true;
    this.#arrive = false;
    this.pausePings();
    const { clock, random } = this.#wires;
    clock.after(random.between(0, noticed), () => this.#peerLost(lost.code, lost.reason));
  }

  /** Whether messages that are on their way arrive. */
  #arrive = true;

  #toObject(deliver: () => void): void {
    const { clock, random } = this.#wires;
    this.#upUntil = Math.max(this.#upUntil, clock.now + random.between(1, slowest));
    clock.after(this.#upUntil - clock.now, () => {
      if (this.#arrive && this.#object.sockets.includes(this)) deliver();
    });
  }

  #toPeer(deliver: () => void): void {
    const { clock, random } = this.#wires;
    this.#downUntil = Math.max(this.#downUntil, clock.now + random.between(1, slowest));
    clock.after(this.#downUntil - clock.now, () => {
      if (!this.#isCut && this.#peerOpen) deliver();
    });
  }

  #peerLost(code: number, reason: string): void {
    if (!this.#peerOpen) return;
    this.#peerOpen = false;
    this.pausePings();
    // It answers the close.
    if (!this.#isCut)
      this.#wires.clock.after(this.#wires.random.between(1, slowest), () => this.#objectLost(code, reason));
    this.#peer.onClose(code, reason);
  }

  #objectLost(code = lost.code, reason = lost.reason): void {
    const index = this.#object.sockets.indexOf(this);
    if (index < 0) return;
    this.#object.enter((instance) => instance.webSocketClose?.(this.objectEnd, code, reason, !this.#isCut));
    this.#objectOpen = false;
    this.#object.sockets.splice(this.#object.sockets.indexOf(this), 1);
  }
}
