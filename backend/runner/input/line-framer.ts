const newline = 0x0a;
const newlineBytes = Buffer.from("\n");

/**
 * Cuts a stream of chunks into batches of whole lines, each ending with a newline. Copies only what spans two chunks. The caller
 * must consume everything that `push` and `end` yield, each batch before the next one. A batch is valid as long as its chunk.
 */
export class LineFramer {
  readonly #limit: number;
  readonly #tooLong: (offset: number) => Error;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #offset: number;

  /**
   * @param limit maximum bytes of a line, without its newline; only lines that span chunks are checked here, see `checkLines`
   * @param tooLong creates the error for a longer line, which starts at byte `offset` of the stream
   * @param offset where the stream starts
   */
  constructor(limit: number, tooLong: (offset: number) => Error, offset = 0) {
    this.#limit = limit;
    this.#tooLong = tooLong;
    this.#offset = offset;
  }

  /** The stream offset of the first byte not yet returned. */
  get offset(): number {
    return this.#offset;
  }

  /** Takes a chunk and yields the lines that are now complete, in one or two batches. Keeps an incomplete last line. */
  *push(chunk: Buffer): Generator<Buffer, void, void> {
    const end = chunk.lastIndexOf(newline) + 1;
    // For a line that started in an earlier chunk, copy only its rest, not everything after it.
    const first = end > 0 && this.#heldBytes > 0 ? chunk.indexOf(newline) + 1 : 0;
    if (first > 0) yield this.#release(chunk.subarray(0, first));
    if (end > first) yield this.#release(chunk.subarray(first, end));
    if (end < chunk.length) this.#hold(chunk.subarray(end));
  }

  /** Yields the last line with a newline added, if it had none. */
  *end(): Generator<Buffer, void, void> {
    if (this.#heldBytes > 0) yield this.#release(newlineBytes);
  }

  #hold(part: Buffer): void {
    this.#held.push(Buffer.from(part));
    this.#heldBytes += part.length;
    if (this.#heldBytes > this.#limit) throw this.#tooLong(this.#offset);
  }

  #release(last: Buffer): Buffer {
    const lines = this.#heldBytes === 0 ? last : Buffer.concat([...this.#held, last]);
    this.#held = [];
    this.#heldBytes = 0;
    this.#offset += lines.length;
    return lines;
  }
}

/**
 * Throws if a batch of whole lines contains a line that is too long.
 * @param limit maximum bytes of a line, without its newline
 * @param tooLong creates the error for a longer line, which starts at index `start` of the batch
 */
export function checkLines(lines: Buffer, limit: number, tooLong: (start: number) => Error): void {
  if (lines.length <= limit) return;
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(newline, start);
    if (end - start > limit) throw tooLong(start);
    start = end + 1;
  }
}
