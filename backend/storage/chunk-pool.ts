import { mostInMemory } from "./parallel-pieces.ts";
import { chunksInUse } from "./pulled.ts";

/** Bytes of a chunk's memory. */
export const chunkLength = 256 * 1024;

/** The most chunks to keep for later: those that a reader of a long range has at a time. */
const mostFree = mostInMemory / chunkLength + chunksInUse;

/** Memory for chunks of bodies, of `chunkLength` bytes each, which is used again: that leaves no garbage to collect. */
export class ChunkPool {
  readonly #free: Buffer[] = [];

  /** The bytes that are kept for later. */
  get bytes(): number {
    return this.#free.length * chunkLength;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(chunkLength);
  }

  give(memory: Buffer): void {
    if (this.#free.length < mostFree) this.#free.push(memory);
  }

  /** Returns a function to call with each chunk of a stream, in order; gives their memory back once the stream no longer uses them. */
  recycler(): (chunk: Uint8Array) => void {
    const given: Uint8Array[] = [];
    return (chunk) => {
      given.push(chunk);
      const used = given.length > chunksInUse ? given.shift() : undefined;
      // Others than the pool's are of bodies that were compressed in transit.
      if (used?.buffer.byteLength === chunkLength) this.give(Buffer.from(used.buffer));
    };
  }
}
