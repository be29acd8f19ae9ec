/** The data is not bzip2, is damaged or, if the reader `isOverrun`, ends too early. */
export class Bzip2Error extends Error {
  override readonly name = "Bzip2Error";
}

/** Reads bits, the highest of a byte first. Beyond the end it returns zeros, and `isOverrun` is true. */
export class BitReader {
  readonly bytes: Uint8Array;
  /** The next byte to take bits from. */
  at: number;
  /** The lowest `count` bits have been taken from bytes but not read yet. */
  bits = 0;
  count = 0;

  /** @param skip bits of the first byte to skip */
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
