/**
 * Shows whether an attempt makes progress: a number that changes with each record, piece or block. It lies in memory shared by
 * two threads, because a module can keep its own thread busy indefinitely.
 */
export class Progress {
  readonly memory: SharedArrayBuffer;
  readonly #ticks: Int32Array;

  constructor(memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#ticks = new Int32Array(memory);
  }

  /** Records that the attempt made progress. */
  tick(): void {
    this.#ticks[0] = (this.#ticks[0] ?? 0) + 1;
  }

  /** Differs from its earlier value if the attempt has made progress since. */
  get ticks(): number {
    return Atomics.load(this.#ticks, 0);
  }
}
