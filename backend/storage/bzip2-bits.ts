/** The data is no bzip2, damaged, or, where the reader is `overrun`, at its end too early. */
export class Bzip2Error extends Error {
  override readonly name = "Bzip2Error";
}

/** Reads bits, the highest of a byte first. Beyond the end it gives zeros, and is `overrun`. */
export class BitReader {
  readonly bytes: Uint8Array;
  /** The next byte to take bits from. */
  at: number;
  /** Holds the bits that were taken from bytes and not yet read: the lowest `count`. */
  bits = 0;
  count = 0;

  /** @param skip bits of the first byte to leave out */
  constructor(bytes: Uint8Array, skip: number) {
    this.bytes = bytes;
    this.at = 0;
    this.read(skip);
  }

  /** @param length at most 24 */
  read(length: number): number {
    while (this.count < length) {
      this.bits = (this.bits << 8) | (this.bytes[this.at++] ?? 0);
      this.count += 8;
    }
    this.count -= length;
    return (this.bits >>> this.count) & ((1 << length) - 1);
  }

  /** A 32-bit number. */
  readWord(): number {
    return ((this.read(16) << 16) | this.read(16)) >>> 0;
  }

  /** Bits read so far. */
  get position(): number {
    return this.at * 8 - this.count;
  }

  get isOverrun(): boolean {
    return this.position > this.bytes.length * 8;
  }
}
