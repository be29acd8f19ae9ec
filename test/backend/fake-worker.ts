import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { z } from "zod";
import { freePort } from "../../backend/host/port.ts";
import { pingText, pongText } from "../../shared/protocol/connection.ts";

const MessageSchema = z.looseObject({ kind: z.string(), id: z.int() });
/** A request as received over the wire. */
export type Received = z.infer<typeof MessageSchema>;

/** One connection that a peer made. */
export type Dialled = {
  readonly socket: WebSocket;
  readonly path: string;
  readonly authorization: string | undefined;
  /** The requests received over this connection, in order. */
  readonly received: Received[];
  send(message: unknown): void;
};

/** A WebSocket server under a test's control: the test decides what it answers. */
export class FakeWorker {
  readonly connections: Dialled[] = [];
  /** Handles a request; set by the test. */
  answer: (message: Received, from: Dialled) => void = () => {};
  /** HTTP statuses and bodies to answer the next upgrades with, instead of accepting a connection; taken from the front. */
  refusals: { status: number; body: string }[] = [];
  answersPings = true;
  readonly port: number;
  readonly #http: Server = createServer();
  readonly #sockets = new WebSocketServer({ noServer: true });

  private constructor(port: number) {
    this.port = port;
  }

  static async start(port?: number): Promise<FakeWorker> {
    const worker = new FakeWorker(port ?? (await freePort()));
    worker.#http.on("upgrade", (request, socket, head) => worker.#upgrade(request, socket, head));
    worker.#http.listen(worker.port, "127.0.0.1");
    await once(worker.#http, "listening");
    return worker;
  }

  /** All requests of a kind, over every connection. */
  received(kind: string): Received[] {
    return this.connections.flatMap((connection) => connection.received.filter((message) => message.kind === kind));
  }

  /** The newest connection. */
  get current(): Dialled {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error("no connection");
    return connection;
  }

  /** Cuts every connection, as a deployment does. */
  cut(): void {
    for (const client of this.#sockets.clients) client.terminate();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#http.closeAllConnections();
    if (!this.#http.listening) return;
    this.#http.close();
    await once(this.#http, "close");
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.refusals.shift();
    if (refusal !== undefined) {
      const { status, body } = refusal;
      socket.end(
        `HTTP/1.1 ${status} Refused\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (client) => this.#accept(client, request));
  }

  #accept(socket: WebSocket, request: IncomingMessage): void {
    const connection: Dialled = {
      socket,
      path: request.url ?? "",
      authorization: request.headers.authorization,
      received: [],
      send: (message) => socket.send(JSON.stringify(message)),
    };
    this.connections.push(connection);
    socket.on("message", (data: Buffer) => {
      const text = data.toString();
      if (text === pingText) {
        if (this.answersPings) socket.send(pongText);
        return;
      }
      const message = MessageSchema.parse(JSON.parse(text));
      connection.received.push(message);
      this.answer(message, connection);
    });
    socket.on("error", () => {});
  }
}
