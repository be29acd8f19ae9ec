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
  /** A text that is no pong. */
  onText(text: string): void;
  /** Called once, last. */
  onEnd(end: SocketEnd): void;
};

/** Until the upgrade must have been answered. */
const handshakeMs = 15_000;
/** How long a peer may take to answer our close. */
const closeMs = 1_000;
/** Of an HTTP answer no more is read than this. */
const maxReason = 4_096;

const ProblemSchema = z.object({ title: z.string(), detail: z.string().optional() });

/** The reason in an HTTP answer: of a problem (RFC 9457) its detail, else the body, else the status. */
const readReason = async (response: IncomingMessage): Promise<string> => {
  let text = "";
  try {
    for await (const chunk of response.setEncoding("utf8")) {
      text += String(chunk);
      if (text.length >= maxReason) break;
    }
  } catch {
    // What came so far has to do.
  }
  const fallback = text.trim().slice(0, maxReason) || (response.statusMessage ?? "");
  try {
    const problem = ProblemSchema.parse(JSON.parse(text));
    return problem.detail ?? problem.title;
  } catch {
    return fallback;
  }
};

/** One WebSocket of a link, from dialling to its end: heartbeats, and the reasons for which it ends. */
export class LinkSocket {
  /**
   * When the latest answered ping was *sent*, as `performance.now()`. The Worker heard it then or later; the time at which
   * the pong came would claim more than is known, as it may have been long on its way.
   */
  answeredPingAt = -Infinity;
  readonly #options: SocketOptions;
  readonly #socket: WebSocket;
  /** When the unanswered pings were sent, oldest first. A socket keeps order, so a pong answers the first. */
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

  /** Sends a text; on a socket that is not open any more it is lost, as it may be at any time. */
  send(text: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  /** Ends the socket at once, for a reason of our own. */
  drop(reason: string): void {
    this.#dropReason ??= reason;
    this.#socket.terminate();
  }

  /** Ends the socket in good order, after what was sent; a peer that does not answer is not waited for. */
  async close(code: number): Promise<void> {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(code);
    else this.#socket.terminate();
    const timer = setTimeout(() => this.#socket.terminate(), closeMs);
    await this.#gone;
    clearTimeout(timer);
  }

  /** Sends a ping every `heartbeatMs` milliseconds from now on, in place of those that were due. */
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
