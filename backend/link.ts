import { performance } from "node:perf_hooks";
import type { ZodType } from "zod";
import { Backoff } from "../shared/backoff.ts";
import { LinkEndedError, finalEnd, isFailure, type LinkEnd, type SocketEnd } from "./link-end.ts";
import { LinkSocket } from "./link-socket.ts";

/** A request without its number, which the link assigns. */
export type Unnumbered<Request> = Request extends unknown ? Omit<Request, "id"> : never;

export type LinkOptions<Request, Answer, Notice> = {
  /** `ws:` or `wss:`. */
  url: string;
  /** Returns the token to authenticate with. Called for each connection. */
  token(): string;
  answerSchema: ZodType<Answer>;
  noticeSchema: ZodType<Notice>;
  /** Builds the first message on every connection. Other requests wait until it is answered. */
  hello(): Unnumbered<Request>;
  /**
   * Handles the answer to `hello`. When it returns, the waiting requests are sent in order, including those it made itself. If
   * it throws, the connection is dropped and reconnected with back-off.
   */
  onWelcome(answer: Answer): void;
  onNotice(notice: Notice): void;
  /** Called when a connection is lost after its welcome. */
  onDown?(): void;
  log: (text: string) => void;
  /** Milliseconds between pings until `setHeartbeat` is called. @default 10000 */
  heartbeatMs?: number;
};

type Pending<Answer> = {
  text: string;
  sentAt: number;
  /** The request is rejected if its connection is lost. */
  isOffer: boolean;
  resolve(answer: Answer): void;
  reject(error: Error): void;
};

/**
 * The client side of a link to the Worker. The link outlives its connections: it connects, says hello, sends all unanswered
 * requests, and reconnects whenever the connection is lost. A request and its answer can therefore each arrive twice.
 */
export class Link<Request extends { id: number }, Answer extends { re: number }, Notice> {
  /** Resolves when the link has ended permanently. */
  readonly closed: Promise<LinkEnd>;
  readonly #options: LinkOptions<Request, Answer, Notice>;
  #heartbeatMs: number;
  readonly #resolveClosed: (end: LinkEnd) => void;
  /** Unanswered requests except hello, by id, in the order in which they were made. */
  readonly #pending = new Map<number, Pending<Answer>>();
  #nextId = 1;
  #socket: LinkSocket | undefined;
  #hello: { id: number; sentAt: number } | undefined;
  #welcomed = false;
  /** Grows with each consecutive connection that was never welcomed or that either end had to break off. */
  readonly #backoff = new Backoff({ floorMs: 100, stepMs: 100, capMs: 10_000 });
  #broken = false;
  #redial: NodeJS.Timeout | undefined;
  #overdue: NodeJS.Timeout | undefined;
  #lastAnswered = -Infinity;
  #lastComplaint = "";
  #end: LinkEnd | undefined;

  constructor(options: LinkOptions<Request, Answer, Notice>) {
    this.#options = options;
    this.#heartbeatMs = options.heartbeatMs ?? 10_000;
    const closed = Promise.withResolvers<LinkEnd>();
    this.closed = closed.promise;
    this.#resolveClosed = closed.resolve;
    this.#dial();
  }

  /**
   * When the Worker last certainly recorded that this client is alive, as `performance.now()`: the send time of the latest
   * answered hello or ping. The Worker does not record other messages. `-Infinity` before the first.
   */
  get lastContact(): number {
    // Before the welcome, the platform answers pings on behalf of an object that does not yet know who sends them.
    return Math.max(this.#lastAnswered, (this.#welcomed ? this.#socket?.answeredPingAt : undefined) ?? -Infinity);
  }

  /** Sets the interval between pings, in milliseconds, for this connection and all later ones. */
  setHeartbeat(ms: number): void {
    if (ms === this.#heartbeatMs) return;
    this.#heartbeatMs = ms;
    this.#socket?.beat(ms);
    this.#watchAnswers();
  }

  /** Resolves with the answer, over as many connections as it takes. Rejects with `LinkEndedError` when the link has ended. */
  request(message: Unnumbered<Request>): Promise<Answer> {
    return this.#ask(message, false);
  }

  /** Like `request`, but only over the current connection: rejects if there is none or it is lost before the answer. */
  async offer(message: Unnumbered<Request>): Promise<Answer> {
    if (!this.#welcomed) throw connectionLost();
    return await this.#ask(message, true);
  }

  #ask(message: Unnumbered<Request>, isOffer: boolean): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    if (this.#end !== undefined) {
      reject(new LinkEndedError(this.#end));
      return promise;
    }
    const id = this.#nextId++;
    const pending = { text: JSON.stringify(Object.assign({ id }, message)), sentAt: 0, isOffer, resolve, reject };
    this.#pending.set(id, pending);
    if (this.#welcomed) this.#send(pending);
    return promise;
  }

  /** Ends the link permanently, after everything sent so far. Unanswered requests reject. */
  async close(code = 1000): Promise<void> {
    const socket = this.#socket;
    this.#finish({ kind: "closed" });
    await socket?.close(code);
  }

  #dial(): void {
    const socket: LinkSocket = new LinkSocket({
      url: this.#options.url,
      token: this.#options.token(),
      heartbeatMs: this.#heartbeatMs,
      onOpen: () => this.#sayHello(socket),
      onText: (text) => {
        if (this.#end === undefined) this.#receive(socket, text);
      },
      onEnd: (end) => {
        if (this.#end === undefined) this.#lost(socket, end);
      },
    });
    this.#socket = socket;
  }

  #sayHello(socket: LinkSocket): void {
    if (this.#end !== undefined) return;
    const id = this.#nextId++;
    this.#hello = { id, sentAt: performance.now() };
    socket.send(JSON.stringify(Object.assign({ id }, this.#options.hello())));
    this.#watchAnswers();
  }

  #watchAnswers(): void {
    clearInterval(this.#overdue);
    // The platform answers pings on behalf of the object, so only an overdue answer shows that the object has lost a request.
    const limit = 6 * this.#heartbeatMs;
    this.#overdue = setInterval(() => {
      const [oldest] = this.#welcomed ? this.#pending.values() : [this.#hello];
      if (oldest !== undefined && performance.now() - oldest.sentAt > limit) {
        this.#socket?.drop("an answer is overdue");
      }
    }, this.#heartbeatMs).unref();
  }

  #send(pending: Pending<Answer>): void {
    pending.sentAt = performance.now();
    this.#socket?.send(pending.text);
  }

  #receive(socket: LinkSocket, text: string): void {
    let message: { answer: Answer } | { notice: Notice };
    try {
      const value: unknown = JSON.parse(text);
      message =
        typeof value === "object" && value !== null && "re" in value
          ? { answer: this.#options.answerSchema.parse(value) }
          : { notice: this.#options.noticeSchema.parse(value) };
    } catch (error) {
      this.#refuse(socket, `the Worker sent a message that is none: ${String(error)}`);
      return;
    }
    if ("notice" in message) this.#options.onNotice(message.notice);
    else if (message.answer.re === this.#hello?.id) this.#welcome(socket, message.answer);
    else this.#answered(message.answer);
  }

  #welcome(socket: LinkSocket, answer: Answer): void {
    if (this.#welcomed || this.#hello === undefined) return;
    try {
      this.#options.onWelcome(answer);
    } catch (error) {
      this.#refuse(socket, String(error));
      return;
    }
    this.#lastAnswered = this.#hello.sentAt;
    this.#welcomed = true;
    this.#lastComplaint = "";
    for (const pending of this.#pending.values()) this.#send(pending);
  }

  #answered(answer: Answer): void {
    const pending = this.#pending.get(answer.re);
    if (pending === undefined) return; // The second answer to a request that was sent twice.
    this.#pending.delete(answer.re);
    pending.resolve(answer);
  }

  /** Breaks off a connection because the Worker violated the protocol. */
  #refuse(socket: LinkSocket, reason: string): void {
    this.#broken = true;
    socket.drop(reason);
  }

  #lost(socket: LinkSocket, end: SocketEnd): void {
    clearInterval(this.#overdue);
    if (this.#welcomed) this.#lastAnswered = Math.max(this.#lastAnswered, socket.answeredPingAt);
    const wasUp = this.#welcomed;
    const broken = this.#broken || isFailure(end);
    this.#welcomed = false;
    this.#broken = false;
    this.#hello = undefined;
    const final = finalEnd(end);
    if (final !== undefined) {
      this.#finish(final);
      return;
    }
    for (const [id, pending] of this.#pending) {
      if (!pending.isOffer) continue;
      this.#pending.delete(id);
      pending.reject(connectionLost());
    }
    if (wasUp && !broken) this.#backoff.reset();
    this.#redial = setTimeout(() => this.#dial(), this.#backoff.next());
    this.#complain(end);
    if (wasUp) this.#options.onDown?.();
  }

  /** Logs why there is no connection. Logs an unchanged reason only once. */
  #complain(end: SocketEnd): void {
    const what = end.kind === "refused" ? `HTTP ${end.status}` : `code ${end.code}`;
    const complaint = `no connection to ${this.#options.url} (${what}${end.reason && `: ${end.reason}`}), trying again`;
    if (complaint !== this.#lastComplaint) this.#options.log(complaint);
    this.#lastComplaint = complaint;
  }

  #finish(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    clearTimeout(this.#redial);
    clearInterval(this.#overdue);
    this.#resolveClosed(end);
    for (const pending of this.#pending.values()) pending.reject(new LinkEndedError(end));
    this.#pending.clear();
  }
}

const connectionLost = (): Error => new Error("the connection to the Worker is lost");
