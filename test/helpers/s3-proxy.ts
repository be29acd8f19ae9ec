import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { localR2EndpointPath } from "../../shared/address.ts";
import { bodyOf, forward } from "./s3-forward.ts";
import { UploadLedger } from "./upload-ledger.ts";

/** A completion of an upload that the store has answered. */
export type Completion = { readonly part: string; readonly status: number };

/** What is held back: the request, which the store has not seen, or the answer to what the store has done. */
export type Held = "request" | "answer";

/** A completion that is held back. */
export type Hold = {
  /** Resolves when it is there, and is held. */
  readonly reached: Promise<void>;
  /** Lets it go on its way. */
  pass(): void;
  /** Breaks off the connection on which it came or would go. */
  lose(): void;
};

type Waiting = {
  readonly part: string;
  readonly what: Held;
  readonly reach: () => void;
  /** Resolves with whether it goes on its way. */
  readonly released: Promise<boolean>;
};

/**
 * Stands between the runners and the local S3 endpoint, passes everything on as it is, and can hold back the completions of
 * uploads. It knows of every upload whether it has been ended.
 */
export class S3Proxy {
  /** In place of the S3 endpoint that it stands before. */
  readonly endpoint: string;
  /** In the order of their answers. */
  readonly completions: Completion[] = [];
  readonly #uploads = new UploadLedger();
  readonly #server: ReturnType<typeof createServer>;
  readonly #storePort: number;
  readonly #waiting: Waiting[] = [];

  private constructor(server: ReturnType<typeof createServer>, port: number, storePort: number) {
    this.#server = server;
    this.#storePort = storePort;
    this.endpoint = `http://127.0.0.1:${port}${localR2EndpointPath}`;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      // Whatever goes wrong on either side looks from the other one like a connection that broke.
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

  /** The paths of a job's uploads that were begun and neither completed nor aborted. */
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
