const newline = 0x0a;
const newlineBytes = Buffer.from("\n");

/** The end of a line is looked for by hand within this many bytes, then by the engine, where a call costs more than a few bytes. */
const shortLine = 24;

/**
 * Cuts a stream of chunks into batches of whole lines, each ending with a newline. Copies only what spans two chunks. What
 * `push` and `end` give is to be taken to its end, each batch before the next one.
 */
export class LineFramer {
  readonly #limit: number;
  readonly #tooLong: (offset: number) => Error;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #offset: number;

  /**
   * @param limit most bytes of a line without its newline; only lines that span chunks are checked here, see `countLines`
   * @param tooLong makes the error for a longer line, which begins at byte `offset` of the stream
   * @param offset where the stream begins
   */
  constructor(limit: number, tooLong: (offset: number) => Error, offset = 0) {
    this.#limit = limit;
    this.#tooLong = tooLong;
    this.#offset = offset;
  }

  /** The offset in the stream of the first byte not yet returned. */
  get offset(): number {
    return this.#offset;
  }

  /** Takes a chunk, and keeps it until its last line is whole. Gives the lines that are whole now, in one batch or two. */
  *push(chunk: Buffer): Generator<Buffer, void, void> {
    const end = chunk.lastIndexOf(newline) + 1;
    // Of a line that began in an earlier chunk only the rest is copied, not all that follows it.
    const first = end > 0 && this.#heldBytes > 0 ? chunk.indexOf(newline) + 1 : 0;
    if (first > 0) yield this.#release(chunk.subarray(0, first));
    if (end > first) yield this.#release(chunk.subarray(first, end));
    if (end < chunk.length) this.#hold(chunk.subarray(end));
  }

  /** Gives the last line, which had no newline and gets one, if there is such a line. */
  *end(): Generator<Buffer, void, void> {
    if (this.#heldBytes > 0) yield this.#release(newlineBytes);
  }

  #hold(part: Buffer): void {
    this.#held.push(part);
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

/** Where the line that `from` lies in ends: the index of its newline. @param lines whole ones */
export function endOfLine(lines: Buffer, from: number): number {
  let end = from;
  for (const near = from + shortLine; end < near && lines[end] !== newline;) end++;
  return lines[end] === newline ? end : lines.indexOf(newline, end);
}

/**
 * Counts the lines of a batch of whole ones.
 * @param limit most bytes of a line without its newline
 * @param tooLong makes the error for a longer line, which begins at index `start` of the batch
 */
export function countLines(lines: Buffer, limit: number, tooLong: (start: number) => Error): number {
  let count = 0;
  for (let start = 0; start < lines.length; count++) {
    const end = endOfLine(lines, start);
    if (end - start > limit) throw tooLong(start);
    start = end + 1;
  }
  return count;
}
