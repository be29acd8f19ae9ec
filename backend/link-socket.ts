import type { IncomingMessage } from "node:http";
import { performance } from "node:perf_hooks";
import { HttpsProxyAgent } from "https-proxy-agent";
import { WebSocket } from "ws";
import { z } from "zod";
import { pingText, pongText } from "../shared/protocol/connection.ts";
import { proxyFor } from "./proxy.ts";
import type { SocketEnd } from "./link-end.ts";

type SocketOptions = {
  url: string;
  token: string;
  heartbeatMs: number;
  onOpen(): void;
  /** Receives every text message except pongs. */
  onText(text: string): void;
  /** Called once, last. */
  onEnd(end: SocketEnd): void;
};

/** The upgrade must be answered within this time. */
const handshakeMs = 15_000;
/** How long to wait for the peer to answer our close. */
const closeMs = 1_000;
/** At most this much of an HTTP response body is read, in characters. */
const maxReason = 4_096;

const ProblemSchema = z.object({ title: z.string(), detail: z.string().optional() });

/** Returns the reason in an HTTP response: the detail of a problem (RFC 9457), else the body, else the status message. */
const readReason = async (response: IncomingMessage): Promise<string> => {
  let text = "";
  try {
    for await (const chunk of response.setEncoding("utf8")) {
      text += String(chunk);
      if (text.length >= maxReason) break;
    }
  } catch {
    // Use what has arrived so far.
  }
  const fallback = text.trim().slice(0, maxReason) || (response.statusMessage ?? "");
  try {
    const problem = ProblemSchema.parse(JSON.parse(text));
    return problem.detail ?? problem.title;
  } catch {
    return fallback;
  }
};

/** One WebSocket of a link, from connecting to closing. Sends heartbeats and reports why the socket ended. */
export class LinkSocket {
  /**
   * When the latest answered ping was *sent*, as `performance.now()`. The Worker received it at that time or later. The arrival
   * time of the pong would overstate this, because the pong can have been in transit for a long time.
   */
  answeredPingAt = -Infinity;
  readonly #options: SocketOptions;
  readonly #socket: WebSocket;
  /** When the unanswered pings were sent, oldest first. Messages stay in order, so a pong answers the first one. */
  readonly #pings: number[] = [];
  #heartbeat: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  #dropReason: string | undefined;
  #refusing = false;
  #ended = false;
  readonly #gone: Promise<void>;

  constructor(options: SocketOptions) {
    this.#options = options;
    const proxy = proxyFor(new URL(options.url));
    const socket = new WebSocket(options.url, {
      ...(proxy === undefined ? {} : { agent: new HttpsProxyAgent(proxy) }),
      headers: { Authorization: `Bearer ${options.token}` },
      handshakeTimeout: handshakeMs,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    const gone = Promise.withResolvers<void>();
    this.#gone = gone.promise;
    let failure = "";
    socket.on("open", () => {
      this.beat(options.heartbeatMs);
      options.onOpen();
    });
    socket.on("message", (data: Buffer, isBinary) => {
      if (this.#dropReason === undefined) this.#receive(data, isBinary);
    });
    socket.on("error", (error) => {
      failure = error.message;
    });
    socket.on("close", (code, reason) => {
      gone.resolve();
      if (!this.#refusing)
        this.#end({ kind: "lost", code, reason: this.#dropReason ?? (reason.toString() || failure) });
    });
    socket.on("unexpected-response", (request, response) => {
      this.#refusing = true;
      void readReason(response).then((reason) => {
        request.destroy();
        gone.resolve();
        this.#end({ kind: "refused", status: response.statusCode ?? 0, reason });
      });
    });
  }

  /** Sends a text message. If the socket is no longer open, the message is lost, which can happen at any time anyway. */
  send(text: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  /** Terminates the socket at once, for a reason on our side. */
  drop(reason: string): void {
    this.#dropReason ??= reason;
    this.#socket.terminate();
  }

  /** Closes the socket after everything sent so far. Terminates it if the peer does not answer in time. */
  async close(code: number): Promise<void> {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(code);
    else this.#socket.terminate();
    const timer = setTimeout(() => this.#socket.terminate(), closeMs);
    await this.#gone;
    clearTimeout(timer);
  }

  /** Sends a ping every `heartbeatMs` milliseconds from now on, replacing the previous schedule. */
  beat(heartbeatMs: number): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#silence);
    if (this.#ended) return;
    const ping = (): void => {
      this.#pings.push(performance.now());
      this.send(pingText);
    };
    this.#heartbeat = setInterval(ping, heartbeatMs).unref();
    this.#silence = setTimeout(() => this.drop("the Worker does not answer pings"), 2.5 * heartbeatMs).unref();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.#silence?.refresh();
    const text = data.toString();
    if (isBinary) this.drop("a binary message");
    else if (text !== pongText) this.#options.onText(text);
    else this.answeredPingAt = Math.max(this.answeredPingAt, this.#pings.shift() ?? -Infinity);
  }

  #end(end: SocketEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#silence);
    this.#options.onEnd(end);
  }
}
