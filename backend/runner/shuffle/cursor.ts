import type { BlockSource } from "./blocks.ts";
import { VarintReader } from "./packed.ts";
import { headerLength, pieceKinds, single } from "./segment.ts";

/**
 * Iterates over sorted records in pieces. A piece is a key and one or more of its values, packed one after another (see
 * `packed.ts`). The pieces of a key are consecutive, in the order of its values. The fields describe the current piece, from one
 * call of `next` until the following one.
 */
export class Cursor {
  /** Contains the key and the values. */
  bytes: Buffer = Buffer.alloc(0);
  keyStart = 0;
  keyEnd = 0;
  /** Whether the piece has the same key as the previous piece. */
  continued = false;
  valuesStart = 0;
  valuesEnd = 0;
  /** The number of values in `[valuesStart, valuesEnd)`, at least one. */
  count = 0;
  readonly #blocks: BlockSource;
  readonly #reader = new VarintReader();

  constructor(blocks: BlockSource) {
    this.#blocks = blocks;
  }

  /** Advances to the next piece. @returns false at the end */
  next(): boolean {
    const reader = this.#reader;
    if (reader.at === this.bytes.length) {
      const block = this.#blocks();
      if (block === undefined) return false;
      this.bytes = block.bytes;
      reader.at = headerLength;
    }
    const { bytes } = this;
    const head = reader.read(bytes);
    const kind = head & 6;
    this.continued = kind !== pieceKinds.newKey;
    if (kind !== pieceKinds.sameKey) {
      this.keyStart = reader.at;
      this.keyEnd = this.keyStart + (head >>> 3);
      reader.at = this.keyEnd;
    }
    if ((head & 1) === single) {
      this.count = 1;
      this.valuesStart = reader.at;
      const length = reader.read(bytes);
      this.valuesEnd = reader.at + length;
    } else {
      this.count = reader.read(bytes);
      const length = reader.read(bytes);
      this.valuesStart = reader.at;
      this.valuesEnd = this.valuesStart + length;
    }
    reader.at = this.valuesEnd;
    return true;
  }
}
