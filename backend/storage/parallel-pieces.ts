import type { ByteSource } from "./pulled.ts";
import type { ByteRange } from "./store.ts";

/**
 * Bytes of a piece. Stores serve a connection at 60 to 100 MB/s, however fast the network is, and several at a time, so that a piece
 * takes about twice as long as the store does to begin with it.
 */
export const pieceLength = 4 * 1024 * 1024;

/** Pieces that are fetched at a time, each of which can be in memory. */
const piecesAtOnce = 8;

/** The most bytes of a range that are in memory at a time. */
export const mostInMemory = piecesAtOnce * pieceLength;

/** The pieces of a range, in order. */
export const piecesOf = function* ({ start, end }: ByteRange): Generator<ByteRange, void, void> {
  for (let from = start; from < end; from += pieceLength) yield { start: from, end: Math.min(from + pieceLength, end) };
};

/**
 * Bytes of consecutive sources, several of which are fetched at a time, from the beginning on. Errors are thrown when it is their
 * source's turn.
 */
export class ParallelPieces implements ByteSource {
  readonly #waiting: Iterator<Promise<ByteSource>>;
  readonly #opened: Piece[] = [];

  /** @param sources opens a source when it is asked for the next one */
  constructor(sources: Iterable<Promise<ByteSource>>) {
    this.#waiting = sources[Symbol.iterator]();
    this.#open();
  }

  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const [piece] = this.#opened;
      const chunk = await piece?.next();
      if (chunk !== undefined || piece === undefined) return chunk;
      this.#opened.shift();
      this.#open();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((piece) => piece.close()));
  }

  #open(): void {
    while (this.#opened.length < piecesAtOnce) {
      const { done, value } = this.#waiting.next();
      if (done === true) return;
      this.#opened.push(new Piece(value));
    }
  }
}

/** Fetches a source at once, into memory. */
class Piece {
  readonly #source: Promise<ByteSource>;
  readonly #chunks: Uint8Array[] = [];
  #isClosed = false;
  #end: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(source: Promise<ByteSource>) {
    this.#source = source;
    void this.#fetch();
  }

  /** Returns the next bytes; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) return chunk;
      if (this.#end !== undefined) {
        if ("error" in this.#end) throw this.#end.error;
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const source = await this.#source.catch(() => undefined);
    await source?.close();
  }

  async #fetch(): Promise<void> {
    try {
      const source = await this.#source;
      for (let chunk = await source.next(); chunk !== undefined && !this.#isClosed; chunk = await source.next()) {
        this.#chunks.push(chunk);
        this.#wake?.();
      }
      if (!this.#isClosed) await source.close();
      this.#end = {};
    } catch (error) {
      this.#end = { error };
    }
    this.#wake?.();
  }
}
