import { Checksum } from "./checksum.ts";
import { checkedHeader, DamagedSegmentError, headerLength } from "./segment.ts";
import { payloadLength } from "./stored-block.ts";

/** Verifies a segment while it arrives in chunks of any size. */
export class SegmentVerifier {
  readonly #header = Buffer.alloc(headerLength);
  #headerFilled = 0;
  /** Bytes of the current block's payload that have not arrived yet. */
  #missing = 0;
  readonly #checksum = new Checksum();
  #records = 0;
  #isComplete = false;

  /** The number of records in the blocks so far. */
  get records(): number {
    return this.#records;
  }

  /** Verifies the next bytes. @throws DamagedSegmentError if they cannot be what was written */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#isComplete) throw new DamagedSegmentError("the segment goes on after its end");
      if (this.#missing > 0) {
        const part = chunk.subarray(at, at + this.#missing);
        this.#missing -= part.length;
        this.#checksum.addPart(part, this.#missing);
        at += part.length;
        if (this.#missing === 0) this.#endBlock();
      } else {
        const copied = chunk.copy(this.#header, this.#headerFilled, at);
        this.#headerFilled += copied;
        at += copied;
        if (this.#headerFilled === headerLength) this.#endHeader();
      }
    }
  }

  /** @throws DamagedSegmentError if the end is missing */
  end(): void {
    if (!this.#isComplete) throw new DamagedSegmentError("the segment ends too early");
  }

  #endHeader(): void {
    this.#checksum.add(this.#header.subarray(0, checkedHeader));
    this.#missing = payloadLength(this.#header, 0);
    if (this.#missing === 0) this.#endBlock();
  }

  #endBlock(): void {
    if (this.#header.readUInt32LE(checkedHeader) !== this.#checksum.value)
      throw new DamagedSegmentError("the segment's checksum is wrong");
    const records = this.#header.readUInt32LE(4);
    this.#headerFilled = 0;
    if (payloadLength(this.#header, 0) > 0) {
      this.#records += records;
    } else if (records === this.#records % 0x1_0000_0000) {
      this.#isComplete = true;
    } else {
      throw new DamagedSegmentError(`the segment has ${this.#records} records, not ${records}`);
    }
  }
}
