import { headBytes, leftOut, tailBytes } from "../../shared/attempt-log.ts";

const counterBytes = 8;

/**
 * What an attempt's programs say on standard error: the beginning and the end of it. It lies in memory that two threads share: one
 * writes, the other reads, also when the first has been ended. A writer never waits, and its memory does not grow.
 */
export class AttemptLog {
  readonly memory: SharedArrayBuffer;
  /** Bytes that were written in all. */
  readonly #written: BigInt64Array;
  readonly #head: Uint8Array;
  /** The bytes after the head, each at its place modulo the length of this. */
  readonly #ring: Uint8Array;

  /** @param memory that of another thread's log */
  constructor(memory = new SharedArrayBuffer(counterBytes + headBytes + tailBytes)) {
    this.memory = memory;
    this.#written = new BigInt64Array(memory, 0, 1);
    this.#head = new Uint8Array(memory, counterBytes, headBytes);
    this.#ring = new Uint8Array(memory, counterBytes + headBytes);
  }

  /** Bytes that were written in all. */
  get length(): number {
    return Number(Atomics.load(this.#written, 0));
  }

  /** Begins an empty log. */
  reset(): void {
    Atomics.store(this.#written, 0, 0n);
  }

  write(bytes: Uint8Array): void {
    const start = this.length;
    const end = start + bytes.length;
    if (start < headBytes) this.#head.set(bytes.subarray(0, headBytes - start), start);
    // Of what is more than the ring holds, the end.
    const first = Math.max(start, headBytes, end - tailBytes);
    if (first < end) {
      const rest = bytes.subarray(first - start);
      const at = (first - headBytes) % tailBytes;
      this.#ring.set(rest.subarray(0, tailBytes - at), at);
      this.#ring.set(rest.subarray(tailBytes - at), 0);
    }
    Atomics.store(this.#written, 0, BigInt(end));
  }

  /** What there is now, with a line that says how much is left out. */
  read(): Buffer {
    return this.readFrom(0).bytes;
  }

  /** The bytes from `position` on; where some of them are not kept any more, a line that says so comes in their place. */
  readFrom(position: number): { readonly bytes: Buffer; readonly next: number } {
    const parts: Uint8Array[] = [];
    let next = position;
    // What is left of the head, and the ring.
    for (let part = 0; part < 2; part++) {
      const { bytes, offset } = this.slice(next);
      if (bytes.length === 0) break;
      if (offset > next) parts.push(leftOut(offset - next));
      parts.push(bytes);
      next = offset + bytes.length;
    }
    return { bytes: Buffer.concat(parts), next };
  }

  /**
   * Some bytes from `position` on, of the head or of the ring.
   * @returns at least one where there are any; they begin at `offset`: later where the first are not kept any more
   */
  slice(position: number, most = Infinity): { readonly bytes: Buffer; readonly offset: number } {
    const endOfHead = Math.min(this.length, headBytes);
    if (position < endOfHead) {
      return { bytes: Buffer.from(this.#head.slice(position, Math.min(endOfHead, position + most))), offset: position };
    }
    const { bytes, from } = this.#after(position);
    return { bytes: bytes.subarray(0, most), offset: from };
  }

  /** The bytes of the ring from `position` on that were not written over, and where they begin. */
  #after(position: number): { bytes: Buffer; from: number } {
    const end = this.length;
    if (end <= position) return { bytes: Buffer.alloc(0), from: position };
    const begin = Math.max(position, end - tailBytes);
    const bytes = Buffer.alloc(end - begin);
    const at = (begin - headBytes) % tailBytes;
    const first = this.#ring.subarray(at, Math.min(tailBytes, at + bytes.length));
    bytes.set(first);
    bytes.set(this.#ring.subarray(0, bytes.length - first.length), first.length);
    // While it was copied, the writer may have gone on, and have written over the beginning.
    const from = Math.min(end, Math.max(begin, this.length - tailBytes));
    return { bytes: bytes.subarray(from - begin), from };
  }
}
