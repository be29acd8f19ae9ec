import { inspectedBytes } from "../../shared/program-start.ts";

/** Longest content that is kept whole, in bytes. The syntax tree of a module of that size takes up to 40 of an isolate's 128 MB. */
const mostKept = 256 * 1024;

/** Keeps the beginning of a content that passes in pieces. */
export class ContentHead {
  #buffer = new Uint8Array(16 * 1024);
  #size = 0;

  /** The first `inspectedBytes`, or all of a shorter content. */
  get start(): Uint8Array {
    return this.#buffer.subarray(0, Math.min(this.#size, inspectedBytes));
  }

  /** All of it; undefined where that is more than 256 KiB. */
  get whole(): Uint8Array | undefined {
    return this.#size > mostKept ? undefined : this.#buffer.subarray(0, this.#size);
  }

  /** Its first 256 KiB. */
  get beginning(): Uint8Array {
    return this.#buffer.subarray(0, Math.min(this.#size, mostKept));
  }

  add(piece: Uint8Array): void {
    const taken = piece.subarray(0, Math.max(0, mostKept - this.#size));
    this.#reserve(Math.min(this.#size, mostKept) + taken.length);
    this.#buffer.set(taken, this.#size > mostKept ? mostKept : this.#size);
    this.#size += piece.length;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.min(mostKept, Math.max(bytes, 2 * this.#buffer.length)));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}
