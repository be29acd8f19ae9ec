import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { localR2EndpointPath } from "../../shared/address.ts";
import { bodyOf, forward } from "./s3-forward.ts";
import { UploadLedger } from "./upload-ledger.ts";

/** The completion of an upload, as the store answered it. */
export type Completion = { readonly part: string; readonly status: number };

/** What is held back: the request, before the store sees it, or the answer, after the store has acted. */
export type Held = "request" | "answer";

/** A completion that is held back. */
export type Hold = {
  /** Resolves when the completion has arrived and is held. */
  readonly reached: Promise<void>;
  /** Lets it pass. */
  pass(): void;
  /** Breaks the connection that carries it. */
  lose(): void;
};

type Waiting = {
  readonly part: string;
  readonly what: Held;
  readonly reach: () => void;
  /** Resolves with whether it passes. */
  readonly released: Promise<boolean>;
};

/**
 * A proxy between the runners and the local S3 endpoint: passes everything on unchanged, and can hold back completions of
 * uploads. It tracks which uploads are still open.
 */
export class S3Proxy {
  /** Replaces the address of the S3 endpoint behind it. */
  readonly endpoint: string;
  /** In the order of their answers. */
  readonly completions: Completion[] = [];
  /** The paths of the ranges that were read. */
  readonly reads: string[] = [];
  readonly #uploads = new UploadLedger();
  readonly #server: ReturnType<typeof createServer>;
  readonly #storePort: number;
  readonly #waiting: Waiting[] = [];

  private constructor(server: ReturnType<typeof createServer>, port: number, storePort: number) {
    this.#server = server;
    this.#storePort = storePort;
    this.endpoint = `http://127.0.0.1:${port}${localR2EndpointPath}`;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      // A failure on either side looks like a broken connection from the other.
      this.#pass(request, response).catch(() => response.destroy());
    });
  }

  static async start(storePort: number): Promise<S3Proxy> {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    return new S3Proxy(server, address.port, storePort);
  }

  /** Holds back the next completion of the output `part`, once. */
  hold(part: string, what: Held): Hold {
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<boolean>();
    this.#waiting.push({ part, what, reach: reached.resolve, released: released.promise });
    return {
      reached: reached.promise,
      pass: () => released.resolve(true),
      lose: () => released.resolve(false),
    };
  }

  /** The paths of a job's uploads that were begun but neither completed nor aborted. */
  openUploadsOf(jobId: string): string[] {
    return this.#uploads.open.map(({ path }) => path).filter((path) => path.includes(jobId));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", this.endpoint);
    const part = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
    if (request.method === "GET" && request.headers.range !== undefined) this.reads.push(url.pathname);
    const completes = request.method === "POST" && url.searchParams.has("uploadId");
    const body = await bodyOf(request);
    const at = completes ? this.#waiting.findIndex((waiting) => waiting.part === part) : -1;
    const [waiting] = at === -1 ? [] : this.#waiting.splice(at, 1);
    if (waiting?.what === "request" && !(await passes(waiting))) {
      response.destroy();
      return;
    }
    const answer = await forward(request, body, { host: "localhost", port: this.#storePort });
    this.#uploads.note({ method: request.method, url, status: answer.status, body: answer.body });
    if (completes) this.completions.push({ part, status: answer.status });
    if (waiting?.what === "answer" && !(await passes(waiting))) {
      response.destroy();
      return;
    }
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }
}

const passes = async ({ reach, released }: Waiting): Promise<boolean> => {
  reach();
  return released;
};
