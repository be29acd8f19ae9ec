import { scan, scanLength } from "../../kernel/scan.ts";

/** The checksum of a segment so far: a chain over its headers and payloads; see `assembly/checksum.ts`. */
export class Checksum {
  value = 0;
  /** The beginning of a piece whose rest has not arrived. */
  #held = Buffer.alloc(0);
  #heldBytes = 0;

  /** Adds a header, or a payload that is whole. */
  add(bytes: Buffer): void {
    scan(bytes, ({ calls, from, to }) => (this.value = calls.checksum(from, to, this.value)));
  }

  /**
   * Adds a part of a payload.
   * @param missing how many bytes of the payload come after it
   */
  addPart(part: Buffer, missing: number): void {
    const rest = this.#heldBytes === 0 ? part : part.subarray(this.#hold(part, missing));
    if (this.#heldBytes === scanLength || (this.#heldBytes > 0 && rest.length + missing === 0)) {
      const held = this.#held.subarray(0, this.#heldBytes);
      this.#heldBytes = 0;
      this.add(held);
    }
    const whole = missing === 0 ? rest.length : rest.length - (rest.length % scanLength);
    if (whole > 0) this.add(rest.subarray(0, whole));
    if (whole < rest.length) this.#hold(rest.subarray(whole), missing);
  }

  /** @returns how many bytes were held */
  #hold(part: Buffer, missing: number): number {
    if (this.#heldBytes === 0) {
      const length = Math.min(scanLength, part.length + missing);
      if (length > this.#held.length) this.#held = Buffer.allocUnsafeSlow(length);
    }
    const copied = part.copy(this.#held, this.#heldBytes, 0, scanLength - this.#heldBytes);
    this.#heldBytes += copied;
    return copied;
  }
}
