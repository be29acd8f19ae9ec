import { Readable } from "node:stream";
import type { ByteStream } from "./store.ts";

/** Bytes that are fetched on demand. */
export type ByteSource = {
  /** Fetches the next bytes; undefined at the end. Never called again before it has settled. */
  next(): Promise<Uint8Array | undefined>;
  /** Releases the source's resources. Called once, even if `next` was never called or has not settled. */
  close(): Promise<void>;
};

/** Wraps bytes that are already in memory as a stream. Far cheaper than a `Readable`, which matters for small objects. */
export const whole = (bytes: Buffer): ByteStream => ({
  async *[Symbol.asyncIterator]() {
    if (bytes.length > 0) yield bytes;
  },
  destroy: () => undefined,
});

/** The number of chunks to fetch ahead while earlier ones are being processed. */
const readAhead = 4;

/** The most chunks of a stream that are in use: those it has fetched ahead, the reader's, and some that `Readable` prefetches. */
export const chunksInUse = readAhead + 4;

/**
 * Wraps the source as a stream of chunks, in object mode because a byte stream would concatenate, and so copy, the chunks that
 * were fetched ahead. Unlike `Readable.from(generator)`, it closes the source as soon as it is destroyed, even if nothing was
 * read yet or a read is in progress.
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
