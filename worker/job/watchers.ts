import { z } from "zod";
import { closeCodes } from "../../shared/protocol/connection.ts";
import type { LogPiece } from "../contracts.ts";
import { eventStreamOf } from "../platform/event-stream.ts";
import { answerClose, sendText } from "../platform/socket.ts";

/** What a socket is for whose other end watches the job: the topic. */
const WatcherSchema = z.object({ watches: z.string() });

/** Most sockets of those who watch a job. */
const mostWatchers = 1000;

/** Least time between two messages of events, in ms: what each costs is paid for each who watches. */
const pauseMs = 200;

const events = "events";

/**
 * Those who watch the job's events, or follow the log of an attempt: hibernating sockets, whose topics are kept with them. They
 * are sent what is new, and say nothing. Nothing is sent twice: whoever loses the socket asks for what is stored, and comes again.
 */
export class Watchers {
  readonly #ctx: DurableObjectState;
  /** The sockets by topic, from one look at all of them on. */
  #sockets: Map<string, Set<WebSocket>> | undefined;
  /** Events that wait to be sent, each as JSON. */
  #waiting: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sentAt = 0;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /** Whether anybody watches a topic. */
  has(topic: string): boolean {
    return this.#of(topic).size > 0;
  }

  /** Answers an upgrade; 429 where there are too many. */
  accept(topic: string): Response {
    const count = [...this.#all().values()].reduce((sum, { size }) => sum + size, 0);
    if (count >= mostWatchers) return new Response(null, { status: 429 });
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    server.serializeAttachment({ watches: topic } satisfies z.infer<typeof WatcherSchema>);
    this.#all().set(topic, this.#of(topic).add(server));
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Sends events, at once or with those that follow soon. */
  send(items: readonly string[]): void {
    if (!this.has(events)) return;
    this.#waiting.push(...items);
    if (this.#timer !== undefined) return;
    const left = this.#sentAt + pauseMs - Date.now();
    if (left <= 0) this.#flush();
    else this.#timer = setTimeout(() => this.#flush(), left);
  }

  /** Sends a piece of an attempt's log to those who follow it. */
  sendLog(attempt: string, piece: LogPiece): void {
    const text = JSON.stringify(piece);
    for (const socket of this.#of(attempt)) sendText(socket, text);
  }

  /** Nothing more comes of a topic: sends what waits, and closes its sockets. */
  end(topic: string): void {
    if (topic === events) this.#flush();
    for (const socket of this.#of(topic)) socket.close(closeCodes.ended, "nothing more comes");
    this.#all().delete(topic);
  }

  /** The job has no runners any more: nothing more comes of any log. */
  endLogs(): void {
    for (const topic of this.#all().keys()) if (topic !== events) this.end(topic);
  }

  /** The other end has closed its socket. @returns the topic; undefined where it was not of somebody who watches */
  closed(socket: WebSocket, code: number, reason: string): string | undefined {
    const topic = topicOf(socket);
    if (topic === undefined) return undefined;
    const left = this.#of(topic);
    left.delete(socket);
    if (left.size === 0) this.#all().delete(topic);
    answerClose(socket, code, reason);
    return topic;
  }

  #flush(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting.splice(0);
    if (waiting.length === 0) return;
    this.#sentAt = Date.now();
    const text = eventStreamOf(waiting);
    for (const socket of this.#of(events)) sendText(socket, text);
  }

  #of(topic: string): Set<WebSocket> {
    return this.#all().get(topic) ?? new Set();
  }

  #all(): Map<string, Set<WebSocket>> {
    this.#sockets ??= this.#lookAtAll();
    return this.#sockets;
  }

  #lookAtAll(): Map<string, Set<WebSocket>> {
    const found = new Map<string, Set<WebSocket>>();
    for (const socket of this.#ctx.getWebSockets()) {
      const topic = topicOf(socket);
      if (topic !== undefined) found.set(topic, (found.get(topic) ?? new Set()).add(socket));
    }
    return found;
  }
}

const topicOf = (socket: WebSocket): string | undefined =>
  WatcherSchema.safeParse(socket.deserializeAttachment()).data?.watches;
