import { Readable } from "node:stream";
import type { ByteStream } from "./store.ts";

/** Bytes that are fetched when they are asked for. */
export type ByteSource = {
  /** The next bytes, undefined at the end; never called again before it has settled. */
  next(): Promise<Uint8Array | undefined>;
  /** Lets go of what the source holds; called once, also when `next` was never called or has not settled. */
  close(): Promise<void>;
};

/** A stream of bytes that are there already: far cheaper than a `Readable`, which counts where objects are small. */
export const whole = (bytes: Buffer): ByteStream => ({
  async *[Symbol.asyncIterator]() {
    if (bytes.length > 0) yield bytes;
  },
  destroy: () => undefined,
});

/** Chunks that are fetched ahead while earlier ones are at work. */
export const readAhead = 4;

/**
 * The source as a stream of chunks (in object mode: else, to read from it would put together what was fetched ahead, which
 * copies it). Unlike `Readable.from(generator)` it closes the source at once when it is destroyed, even where
 * nothing was read yet or a read is under way.
 */
export const pulled = (source: ByteSource, signal?: AbortSignal): ByteStream =>
  new Readable({
    objectMode: true,
    highWaterMark: readAhead,
    ...(signal === undefined ? {} : { signal }),
    read() {
      source.next().then(
        (bytes) => this.push(bytes ?? null),
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, done) {
      source.close().then(
        () => done(error),
        (closing: Error) => done(error ?? closing),
      );
    },
  });
