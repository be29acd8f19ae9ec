/**
 * Shows whether an attempt gets on: a number that changes with each record, piece or block. It lies in memory that two threads
 * share, as a module may keep its own thread busy for as long as it likes.
 */
export class Progress {
  readonly memory: SharedArrayBuffer;
  readonly #ticks: Int32Array;

  constructor(memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#ticks = new Int32Array(memory);
  }

  /** The attempt has got on. */
  tick(): void {
    this.#ticks[0] = (this.#ticks[0] ?? 0) + 1;
  }

  /** Another number than before where the attempt has got on. */
  get ticks(): number {
    return Atomics.load(this.#ticks, 0);
  }
}
