import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/**
 * After a program's own end, processes that it left behind may go on writing; they are waited for until they have been
 * silent for this long, in milliseconds.
 */
const silenceAllowed = 2_000;

/** Reads a pipe from a program to its end. */
export class PipeReader {
  /** Resolves at the end of the pipe or when closed here; rejects with what the taker throws, or an error of reading. */
  readonly done: Promise<void>;
  readonly #stream: Socket;
  readonly #closed = Promise.withResolvers<void>();
  #isClosed = false;
  #taken = 0;
  /** Waiting for the program, not for whoever takes the chunks. */
  #waiting = true;

  /** @param take gets each chunk; nothing more is read while its promise is pending */
  constructor(stream: Socket, take: (chunk: Buffer) => Promise<void> | undefined) {
    this.#stream = stream;
    this.done = this.#read(take);
  }

  /** Resolves, never rejects, when the pipe has ended, was closed, or nothing has come out of it for 2 s. */
  async settle(): Promise<void> {
    const ended = Promise.race([this.done, this.#closed.promise]).then(
      () => true,
      () => true,
    );
    for (;;) {
      const before = this.#taken;
      const timer = new AbortController();
      const silence = delay(silenceAllowed, false, { signal: timer.signal }).catch(() => false);
      const isEnded = await Promise.race([ended, silence]);
      timer.abort();
      if (isEnded || (this.#waiting && this.#taken === before)) return;
    }
  }

  /** Stops reading. */
  close(): void {
    this.#isClosed = true;
    this.#closed.resolve();
    this.#stream.destroy();
  }

  async #read(take: (chunk: Buffer) => Promise<void> | undefined): Promise<void> {
    const chunks: AsyncIterable<Buffer> = this.#stream;
    try {
      for await (const chunk of chunks) {
        this.#waiting = false;
        await take(chunk);
        this.#taken++;
        this.#waiting = true;
      }
    } catch (error) {
      // A stream that was closed here complains that it was.
      if (!this.#isClosed) throw error;
    }
  }
}
