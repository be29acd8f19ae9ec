import type { Dispatcher } from "undici";
import type { ChunkPool } from "./chunk-pool.ts";

/** Bytes that may wait for their reader before the store has to wait. */
const mostWaiting = 512 * 1024;

/** The head of an answer, and its body as it arrives. */
export type Received = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: ReceivedBody;
};

type ReceiveOptions = {
  /** Memory for the body. The chunks are full then, except the last. @default each chunk has its own */
  readonly chunks?: ChunkPool | undefined;
  /** Ends the request with its reason, even in the middle of the body. */
  readonly signal?: AbortSignal | undefined;
};

/**
 * Sends a request, and receives the answer by copying it: what undici hands over is in memory that the connection uses again (see
 * `socket-memory.ts`). Resolves when the head is there; the body must be read to its end or destroyed.
 * @throws what undici throws; the signal's reason
 */
export const receive = (
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  { chunks, signal }: ReceiveOptions,
): Promise<Received> =>
  new Promise((resolve, reject) => {
    const body = new ReceivedBody(chunks);
    const abort = (): void => {
      reject(signal?.reason);
      body.cancel(signal?.reason);
    };
    const release = (): void => signal?.removeEventListener("abort", abort);
    if (signal?.aborted === true) {
      abort();
      return;
    }
    signal?.addEventListener("abort", abort, { once: true });
    dispatcher.dispatch(request, {
      onRequestStart: (controller) => body.receiveFrom(controller),
      onResponseStart: (_, status, headers) => {
        // The others say that the answer is still to come.
        if (status >= 200) resolve({ status, headers, body });
      },
      onResponseData: (_, bytes) => body.push(bytes),
      onResponseEnd: () => {
        release();
        body.end();
      },
      onResponseError: (_, error) => {
        release();
        reject(error);
        body.end(error);
      },
    });
  });

/** The body of an answer, to be iterated once. */
export class ReceivedBody implements AsyncIterable<Buffer> {
  readonly #pool: ChunkPool | undefined;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** The chunk that is being filled, of the pool. */
  #filling: { readonly memory: Buffer; length: number } | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #outcome: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(pool: ChunkPool | undefined) {
    this.#pool = pool;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, void> {
    try {
      for (;;) {
        const chunk = this.#waiting.shift();
        if (chunk !== undefined) {
          this.#waitingBytes -= chunk.length;
          if (this.#waitingBytes <= mostWaiting) this.#controller?.resume();
          yield chunk;
        } else if (this.#outcome === undefined) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        } else {
          if ("error" in this.#outcome) throw this.#outcome.error;
          return;
        }
      }
    } finally {
      this.destroy();
    }
  }

  /** Ends the request if it is under way, and so the connection. What was received is lost. */
  destroy(): void {
    this.#waiting.length = 0;
    this.cancel(new Error("the body was not read to its end"));
  }

  receiveFrom(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#outcome !== undefined) controller.abort(asError(this.#outcome.error));
  }

  /** Takes a copy of the bytes. */
  push(bytes: Buffer): void {
    if (this.#outcome !== undefined) return;
    if (this.#pool === undefined) this.#deliver(Buffer.from(bytes));
    else this.#fill(bytes, this.#pool);
    if (this.#waitingBytes > mostWaiting) this.#controller?.pause();
  }

  #fill(bytes: Buffer, pool: ChunkPool): void {
    for (let at = 0; at < bytes.length;) {
      this.#filling ??= { memory: pool.take(), length: 0 };
      const { memory, length } = this.#filling;
      const copied = bytes.copy(memory, length, at);
      at += copied;
      this.#filling.length += copied;
      if (length + copied === memory.length) this.#deliverFilled();
    }
  }

  /** @param error that the body has broken off with; what came before it is delivered */
  end(error?: Error): void {
    this.#deliverFilled();
    this.#finish(error === undefined ? {} : { error });
  }

  /** Ends the request because of something on this side. */
  cancel(error: unknown): void {
    if (this.#outcome !== undefined) return;
    this.#finish({ error });
    this.#controller?.abort(asError(error));
  }

  #finish(outcome: { readonly error?: unknown }): void {
    this.#outcome ??= outcome;
    this.#wake?.();
  }

  #deliverFilled(): void {
    if (this.#filling === undefined) return;
    this.#deliver(this.#filling.memory.subarray(0, this.#filling.length));
    this.#filling = undefined;
  }

  #deliver(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    this.#wake?.();
  }
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));
