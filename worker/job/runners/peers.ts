import { z } from "zod";
import type { AttemptRow } from "../../../shared/engine/machine.ts";
import { closeCodes } from "../../../shared/protocol/connection.ts";
import type { RunnerNotice } from "../../../shared/protocol/runner.ts";
import { sendJson } from "../../platform/socket.ts";
import { Sockets } from "../../platform/sockets.ts";

/** A runner at the other end of a socket. */
const PeerSchema = z.object({
  /** The runner's id. */
  name: z.string(),
  podName: z.string(),
  /** It knows what to do with `follow`. */
  canFollow: z.boolean(),
  /** It has asked for work, and there was none. */
  isIdle: z.boolean(),
  /** The different tasks that it has failed since it last completed one. */
  failed: z.array(z.string()),
  /** When it said hello, in ms since 1970. */
  since: z.int(),
  /** When it was last given a token, in ms since 1970. */
  renewed: z.int(),
});
export type Peer = z.infer<typeof PeerSchema>;

/** Milliseconds after which runners are told again that there may be work: those that were told may be gone. */
const wakeAgainMs = 1000;

/** The job's runners, as far as they are connected. */
export class RunnerPeers {
  readonly #sockets: Sockets<Peer>;
  /** Those that wait for work. */
  #idle: Set<WebSocket> | undefined;
  #wokenAt = 0;
  /** Those that were told that there may be work, and have not asked for it yet. */
  readonly #woken = new Set<WebSocket>();
  /** What runners have failed that are away for the moment. */
  readonly #failures = new Map<string, string[]>();

  constructor(ctx: DurableObjectState) {
    this.#sockets = new Sockets(ctx, PeerSchema);
  }

  get count(): number {
    return this.#sockets.size;
  }

  get hasIdle(): boolean {
    return this.#waiting().size > 0;
  }

  /** From when on more runners may be told that there may be work, in ms since 1970; 0 where all that were told have asked since. */
  get mayWakeAt(): number {
    return this.#woken.size === 0 ? 0 : this.#wokenAt + wakeAgainMs;
  }

  /** Answers an upgrade. The peer is nobody until it says hello. */
  accept(): Response {
    return this.#sockets.accept();
  }

  peer(socket: WebSocket): Peer | undefined {
    return this.#sockets.peer(socket);
  }

  /** From here on the socket is this runner's; an older one of the same runner is closed. */
  identify(socket: WebSocket, about: Pick<Peer, "name" | "podName" | "canFollow">, now: number): void {
    const { name } = about;
    const former = this.#sockets.named(name);
    const failed = (former && this.#sockets.peer(former)?.failed) ?? this.#failures.get(name) ?? [];
    if (former !== undefined) this.#forget(former);
    this.#failures.delete(name);
    this.#sockets.identify(socket, { ...about, isIdle: false, failed, since: now, renewed: now });
  }

  /** Notes whether a runner that has asked for work waits for it. */
  setIdle(socket: WebSocket, isIdle: boolean): void {
    this.#woken.delete(socket);
    const peer = this.peer(socket);
    if (peer === undefined || peer.isIdle === isIdle) return;
    this.#sockets.update(socket, { ...peer, isIdle });
    if (isIdle) this.#waiting().add(socket);
    else this.#waiting().delete(socket);
  }

  /** Notes that the runner has failed a task, or, with null, that it has completed one. */
  noteOutcome(socket: WebSocket, failed: string | null): void {
    const peer = this.peer(socket);
    if (peer === undefined) return;
    if (failed !== null) this.#sockets.update(socket, { ...peer, failed: [...new Set([...peer.failed, failed])] });
    else if (peer.failed.length > 0) this.#sockets.update(socket, { ...peer, failed: [] });
  }

  /** Notes that the runner is given a token. */
  setRenewed(socket: WebSocket, now: number): void {
    const peer = this.peer(socket);
    if (peer !== undefined) this.#sockets.update(socket, { ...peer, renewed: now });
  }

  /** When a runner last gave a sign of life, in ms since 1970; undefined where it is not connected. */
  lastContact(runnerId: string): number | undefined {
    const socket = this.#sockets.named(runnerId);
    const peer = socket && this.#sockets.peer(socket);
    return socket && peer && Math.max(peer.since, this.#sockets.lastPing(socket));
  }

  /** Tells at most so many of the runners that wait that there may be work. */
  wake(most: number): void {
    this.#wokenAt = Date.now();
    let left = most;
    for (const socket of this.#waiting()) {
      if (left-- <= 0) return;
      this.setIdle(socket, false);
      this.#woken.add(socket);
      notify(socket, { kind: "wake" });
    }
  }

  /** Tells the runners of these attempts to end them. */
  revoke(attempts: readonly AttemptRow[], reason: string): void {
    for (const { id, runnerId } of attempts) {
      const socket = this.#sockets.named(runnerId);
      if (socket !== undefined) notify(socket, { kind: "revoke", attempt: id, reason });
    }
  }

  /** Tells the runner of an attempt whether somebody follows its log. */
  follow({ id, runnerId }: AttemptRow, isFollowed: boolean): void {
    const socket = this.#sockets.named(runnerId);
    if (socket === undefined || this.peer(socket)?.canFollow !== true) return;
    notify(socket, { kind: isFollowed ? "follow" : "unfollow", attempt: id });
  }

  /** Closes all sockets: the job needs runners no more. */
  endAll(): void {
    this.#sockets.closeAll(closeCodes.ended, "the job has ended");
    this.#idle = undefined;
    this.#woken.clear();
  }

  /** The other end has closed its socket. @returns who it was */
  closed(socket: WebSocket, code: number, reason: string): Peer | undefined {
    this.#forget(socket);
    const peer = this.#sockets.closed(socket, code, reason);
    if (peer !== undefined && peer.failed.length > 0) this.#failures.set(peer.name, peer.failed);
    return peer;
  }

  /** When the next socket has been silent for too long, in ms since 1970. */
  nextSilent(): number | undefined {
    return this.#sockets.nextSilent();
  }

  /** Closes the sockets that never said hello. */
  closeSilent(now: number): void {
    this.#sockets.closeSilent(now);
  }

  #forget(socket: WebSocket): void {
    this.#waiting().delete(socket);
    this.#woken.delete(socket);
  }

  #waiting(): Set<WebSocket> {
    this.#idle ??= new Set([...this.#sockets.entries()].flatMap(([socket, { isIdle }]) => (isIdle ? [socket] : [])));
    return this.#idle;
  }
}

const notify = (socket: WebSocket, notice: RunnerNotice): void => sendJson(socket, notice);
