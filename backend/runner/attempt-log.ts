/** What is kept of a log, in bytes: so much of its beginning, and so much of its end. */
const headBytes = 64 * 1024;
const tailBytes = 960 * 1024;
const counterBytes = 8;

const leftOut = (bytes: number): Uint8Array => new TextEncoder().encode(`\n[… ${bytes} bytes are left out …]\n`);

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
    const { bytes, from } = this.#after(headBytes);
    const head = Buffer.from(this.#head.slice(0, Math.min(this.length, headBytes)));
    return from > headBytes ? Buffer.concat([head, leftOut(from - headBytes), bytes]) : Buffer.concat([head, bytes]);
  }

  /** The bytes from `position` on; where some of them are not kept any more, a line that says so comes first. */
  readFrom(position: number): { readonly bytes: Buffer; readonly next: number } {
    const head = Buffer.from(this.#head.slice(position, Math.min(this.length, headBytes)));
    const { bytes, from } = this.#after(Math.max(position, headBytes));
    const missing = from - Math.max(position, headBytes);
    return {
      bytes: Buffer.concat([head, ...(missing > 0 ? [leftOut(missing)] : []), bytes]),
      next: bytes.length > 0 ? from + bytes.length : position + head.length,
    };
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
