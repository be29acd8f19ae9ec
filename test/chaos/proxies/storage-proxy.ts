import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { bodyOf, forward, type StoreAnswer } from "../../helpers/s3-forward.ts";
import { UploadLedger, type OpenUpload } from "../../helpers/upload-ledger.ts";
import type { ChaosStore } from "../store.ts";
import { answerWith, operationsFor, type StorageFault } from "./storage-faults.ts";
import { storageRequest, type StorageRequest } from "./storage-request.ts";

type Armed = {
  readonly fault: StorageFault;
  readonly hit: () => void;
};

/**
 * A proxy in front of the store. An armed fault hits the next request of a live job that it applies to. Only complete requests
 * are forwarded: the store might be one that crashes when a body breaks off.
 *
 * It tracks which multipart uploads are open, and lists them for a store that cannot.
 */
export class StorageProxy {
  readonly endpoint: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly #store: ChaosStore;
  readonly #isLive: (text: string) => boolean;
  readonly #uploads = new UploadLedger();
  readonly #armed = new Set<Armed>();
  /** While the store counts as down: the number of requests of live jobs that were cut meanwhile. */
  #outage: { cut: number } | undefined;

  private constructor(
    server: ReturnType<typeof createServer>,
    port: number,
    store: ChaosStore,
    isLive: (text: string) => boolean,
  ) {
    this.#server = server;
    this.#store = store;
    this.#isLive = isLive;
    this.endpoint = `http://127.0.0.1:${port}${store.path}`;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  /** @param isLive whether the address of a request belongs to a job that has not ended */
  static async start(store: ChaosStore, isLive: (text: string) => boolean): Promise<StorageProxy> {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    return new StorageProxy(server, address.port, store, isLive);
  }

  get openUploads(): OpenUpload[] {
    return this.#uploads.open;
  }

  /** Arms a fault for the next request that it applies to. @returns whether it hit a request of a live job in time */
  async arm(fault: StorageFault, withinMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const armed: Armed = { fault, hit: () => resolve(true) };
    this.#armed.add(armed);
    const waiting = new AbortController();
    const late = sleep(withinMs, false, { signal: waiting.signal }).catch(() => false);
    const hit = await Promise.race([promise, late]);
    waiting.abort();
    this.#armed.delete(armed);
    return hit;
  }

  /** Cuts every connection for a while. @returns whether a request of a live job was cut */
  async fail(ms: number): Promise<boolean> {
    const outage = { cut: 0 };
    this.#outage = outage;
    await sleep(ms);
    this.#outage = undefined;
    return outage.cut > 0;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = storageRequest(request);
    if (this.#outage !== undefined) {
      if (this.#isLive(seen.text)) this.#outage.cut += 1;
      request.socket.resetAndDestroy();
      return;
    }
    const fault = this.#faultFor(seen, Number(request.headers["content-length"] ?? 0));
    if (fault?.kind === "cut" && fault.when === "upload") {
      await once(request, "data");
      request.socket.resetAndDestroy();
      return;
    }
    const body = await bodyOf(request);
    await answerWith(fault, response, () => this.#pass(request, seen, body));
  }

  #faultFor(request: StorageRequest, length: number): StorageFault | undefined {
    if (this.#armed.size === 0 || !this.#isLive(request.text)) return undefined;
    for (const armed of this.#armed) {
      const { fault, hit } = armed;
      if (operationsFor(fault)?.includes(request.operation) === false) continue;
      if (fault.kind === "cut" && fault.when === "upload" && length === 0) continue;
      this.#armed.delete(armed);
      hit();
      return fault;
    }
    return undefined;
  }

  async #pass(request: IncomingMessage, seen: StorageRequest, body: Buffer): Promise<StoreAnswer> {
    const answer = await forward(request, body, this.#store);
    this.#uploads.note({ method: request.method, url: seen.url, status: answer.status, body: answer.body });
    return seen.operation === "uploads" && answer.status === 501 ? this.#listed(seen.url) : answer;
  }

  /** Lists the uploads for a store that cannot. */
  #listed({ pathname, searchParams }: URL): StoreAnswer {
    const bucket = `${pathname.replace(/\/$/, "")}/`;
    const prefix = bucket + (searchParams.get("prefix") ?? "");
    const uploads = this.#uploads.open
      .map(({ path, uploadId }) => ({ path: decodeURIComponent(path), uploadId }))
      .filter(({ path }) => path.startsWith(prefix))
      .map(({ path, uploadId }) => {
        const key = encodeURIComponent(path.slice(bucket.length));
        return `<Upload><Key>${key}</Key><UploadId>${uploadId}</UploadId></Upload>`;
      });
    const text = `<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>${uploads.join("")}</ListMultipartUploadsResult>`;
    return { status: 200, headers: { "content-type": "application/xml" }, body: Buffer.from(text) };
  }
}
