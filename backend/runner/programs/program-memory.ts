/** The memory of a program in WebAssembly, as it is at each moment: when it grows, it gets another buffer. */
export class ProgramMemory {
  readonly #memory: () => WebAssembly.Memory;
  #view = Buffer.alloc(0);

  constructor(memory: () => WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** All of it, until the program or its memory does anything. */
  get all(): Buffer {
    const { buffer } = this.#memory();
    if (this.#view.buffer !== buffer) this.#view = Buffer.from(buffer);
    return this.#view;
  }

  /** @throws RangeError for what does not lie in the memory */
  bytes(address: number, length: number): Buffer {
    const { all } = this;
    const start = address >>> 0;
    const end = start + (length >>> 0);
    // `subarray` would tacitly shorten it.
    if (end > all.length) {
      throw new RangeError(`the program handed over ${end - start} bytes at ${start}, which are not in its memory`);
    }
    return all.subarray(start, end);
  }
}
