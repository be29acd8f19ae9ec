import { headBytes, leftOut, tailBytes } from "../../shared/attempt-log.ts";

const counterBytes = 8;

/**
 * The beginning and the end of what an attempt's programs write to standard error. It lies in memory shared by two threads: one
 * writes, the other reads, even after the writing thread has been terminated. Writes never block, and the memory does not grow.
 */
export class AttemptLog {
  readonly memory: SharedArrayBuffer;
  /** Total number of bytes written. */
  readonly #written: BigInt64Array;
  readonly #head: Uint8Array;
  /** The bytes after the head, each at its position modulo the ring's length. */
  readonly #ring: Uint8Array;

  /** @param memory the memory of another thread's log */
  constructor(memory = new SharedArrayBuffer(counterBytes + headBytes + tailBytes)) {
    this.memory = memory;
    this.#written = new BigInt64Array(memory, 0, 1);
    this.#head = new Uint8Array(memory, counterBytes, headBytes);
    this.#ring = new Uint8Array(memory, counterBytes + headBytes);
  }

  /** Total number of bytes written. */
  get length(): number {
    return Number(Atomics.load(this.#written, 0));
  }

  /** Empties the log. */
  reset(): void {
    Atomics.store(this.#written, 0, 0n);
  }

  write(bytes: Uint8Array): void {
    const start = this.length;
    const end = start + bytes.length;
    if (start < headBytes) this.#head.set(bytes.subarray(0, headBytes - start), start);
    // If there is more than the ring holds, keep the end.
    const first = Math.max(start, headBytes, end - tailBytes);
    if (first < end) {
      const rest = bytes.subarray(first - start);
      const at = (first - headBytes) % tailBytes;
      this.#ring.set(rest.subarray(0, tailBytes - at), at);
      this.#ring.set(rest.subarray(tailBytes - at), 0);
    }
    Atomics.store(this.#written, 0, BigInt(end));
  }

  /** Returns the current content, with a line that says how much is left out. */
  read(): Buffer {
    return this.readFrom(0).bytes;
  }

  /** Returns the bytes from `position` on. A line replaces bytes that are no longer available and says how many are missing. */
  readFrom(position: number): { readonly bytes: Buffer; readonly next: number } {
    const parts: Uint8Array[] = [];
    let next = position;
    // The rest of the head, then the ring.
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
   * Returns some bytes from `position` on, from either the head or the ring.
   * @returns at least one byte if there are any, starting at `offset`, which is later if the first bytes are no longer available
   */
  slice(position: number, most = Infinity): { readonly bytes: Buffer; readonly offset: number } {
    const endOfHead = Math.min(this.length, headBytes);
    if (position < endOfHead) {
      return { bytes: Buffer.from(this.#head.slice(position, Math.min(endOfHead, position + most))), offset: position };
    }
    const { bytes, from } = this.#after(position);
    return { bytes: bytes.subarray(0, most), offset: from };
  }

  /** Returns the bytes of the ring from `position` on that have not been overwritten, and where they start. */
  #after(position: number): { bytes: Buffer; from: number } {
    const end = this.length;
    if (end <= position) return { bytes: Buffer.alloc(0), from: position };
    const begin = Math.max(position, end - tailBytes);
    const bytes = Buffer.alloc(end - begin);
    const at = (begin - headBytes) % tailBytes;
    const first = this.#ring.subarray(at, Math.min(tailBytes, at + bytes.length));
    bytes.set(first);
    bytes.set(this.#ring.subarray(0, bytes.length - first.length), first.length);
    // During the copy, the writer can have overwritten the beginning.
    const from = Math.min(end, Math.max(begin, this.length - tailBytes));
    return { bytes: bytes.subarray(from - begin), from };
  }
}
