import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "./connection.ts";

/** How the Worker, or a server in front of it, refuses a connection. */
type Refusal = { readonly status: 429 | 500 | 503; readonly retryAfter: boolean; refused: number };

/** A byte-by-byte TCP proxy in front of the Worker, for the agent and its runners. */
export class WorkerProxy {
  readonly url: string;
  readonly #server: Server;
  readonly #port: number;
  readonly #open = new Set<Connection>();
  readonly #sockets = new Set<Socket>();
  #refusal: Refusal | undefined;

  private constructor(server: Server, own: number, port: number) {
    this.#server = server;
    this.#port = port;
    this.url = `http://localhost:${own}`;
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      socket.once("data", (first: Buffer) => {
        // Nothing must be lost before the connection starts to read.
        socket.pause();
        this.#accept(socket, first);
      });
    });
  }

  /** @param port of the Worker */
  static async start(port: number): Promise<WorkerProxy> {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    return new WorkerProxy(server, address.port, port);
  }

  /** The open connections. */
  get connections(): Connection[] {
    const all = [...this.#open];
    for (const connection of all) if (!connection.isOpen) this.#open.delete(connection);
    return all.filter(({ isOpen }) => isOpen);
  }

  /** Answers new connections with an error for a while. @returns how many there were */
  async refuse(ms: number, status: Refusal["status"], retryAfter: boolean): Promise<number> {
    const refusal = { status, retryAfter, refused: 0 };
    this.#refusal = refusal;
    await sleep(ms);
    this.#refusal = undefined;
    return refusal.refused;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: Socket, first: Buffer): void {
    if (this.#refusal !== undefined) {
      const { status, retryAfter } = this.#refusal;
      this.#refusal.refused += 1;
      const wait = retryAfter ? "Retry-After: 1\r\n" : "";
      client.end(`HTTP/1.1 ${status} Chaos\r\n${wait}Content-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    const worker = connect(this.#port, "localhost");
    this.#sockets.add(worker);
    worker.on("close", () => this.#sockets.delete(worker));
    worker.on("error", () => client.destroy());
    this.#open.add(new Connection(client, worker, first));
  }
}
