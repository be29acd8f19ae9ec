import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { runnerIn } from "./link-frame.ts";

/** What a connection to the Worker is for. */
export type Purpose = "agent" | "runner" | "program" | "other";

type Direction = "up" | "down";

/** Bytes passed at a time on a throttled connection, and the pause after each chunk, in ms. */
const throttled = { bytes: 200, pauseMs: 40 };

const purposeOf = (requestLine: string): Purpose => {
  if (/\/agents\/[^/]+\/link/.test(requestLine)) return "agent";
  if (/\/jobs\/[^/]+\/link/.test(requestLine)) return "runner";
  return /\/jobs\/[^/]+\/contents\//.test(requestLine) ? "program" : "other";
};

/** A TCP connection between the agent or a runner and the Worker, which passes bytes on until a fault hits it. */
export class Connection {
  purpose: Purpose = "other";
  jobId: string | undefined;
  runnerId: string | undefined;
  isOpen = true;
  readonly #client: Socket;
  readonly #worker: Socket;
  #held: Promise<unknown> = Promise.resolve();
  #slowUntil = 0;
  #cut: { readonly direction: Direction; readonly done: () => void } | undefined;

  /** @param first what the client has already sent */
  constructor(client: Socket, worker: Socket, first: Buffer) {
    this.#client = client;
    this.#worker = worker;
    this.#look(first);
    worker.write(first);
    void this.#pump(client, worker, "up");
    void this.#pump(worker, client, "down");
  }

  /** Resets both ends with an RST. */
  reset(): void {
    this.isOpen = false;
    this.#client.resetAndDestroy();
    this.#worker.resetAndDestroy();
  }

  /** Lets nothing pass for a while. */
  stall(ms: number): void {
    const before = this.#held;
    this.#held = Promise.all([before, sleep(ms)]);
  }

  /** Lets little pass for a while. */
  throttle(ms: number): void {
    this.#slowUntil = performance.now() + ms;
  }

  /** Cuts the connection in the middle of the next chunk, which is a frame or the body of an answer. Resolves when it is cut. */
  async cutNext(direction: Direction): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#cut = { direction, done: resolve };
    return promise;
  }

  /** Cancels a cut that has not happened yet. */
  keep(): void {
    this.#cut = undefined;
  }

  #look(bytes: Buffer): void {
    const [line = ""] = bytes.toString("latin1", 0, 400).split("\r\n");
    if (/^(GET|POST|PUT|DELETE|HEAD) /.test(line)) {
      this.purpose = purposeOf(line);
      this.jobId = /\/jobs\/([^/ ]+)\//.exec(line)?.[1];
    } else if (this.purpose === "runner") this.runnerId ??= runnerIn(bytes);
  }

  async #pump(from: Socket, to: Socket, direction: Direction): Promise<void> {
    try {
      for await (const chunk of from) {
        if (Buffer.isBuffer(chunk)) await this.#pass(chunk, to, direction);
        if (!this.isOpen) return;
      }
      to.end();
    } catch {
      // A broken connection looks broken from the other end too.
      to.destroy();
    } finally {
      this.isOpen = false;
    }
  }

  async #pass(chunk: Buffer, to: Socket, direction: Direction): Promise<void> {
    if (direction === "up") this.#look(chunk);
    await this.#held;
    if (this.#cut?.direction === direction) {
      const { done } = this.#cut;
      this.#cut = undefined;
      await written(to, chunk.subarray(0, Math.floor(chunk.length / 2)));
      this.reset();
      done();
    } else if (performance.now() < this.#slowUntil) {
      for (let at = 0; at < chunk.length; at += throttled.bytes) {
        await written(to, chunk.subarray(at, at + throttled.bytes));
        await sleep(throttled.pauseMs);
      }
    } else await written(to, chunk);
  }
}

/** Writes, and waits while the other end does not accept it; a closed end discards everything. */
const written = async (to: Socket, bytes: Buffer): Promise<void> => {
  if (to.destroyed || bytes.length === 0) return;
  await new Promise<void>((resolve) => {
    to.write(bytes, () => resolve());
  });
};
