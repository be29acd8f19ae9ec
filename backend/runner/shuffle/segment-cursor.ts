import { Cursor } from "./cursor.ts";
import { keyPrefix } from "./key.ts";
import { headerLength } from "./segment.ts";

/**
 * Gives the payloads of a segment's blocks, one after another, then undefined. Each is valid until the next one is asked for.
 */
export type Blocks = () => Buffer | undefined;

/** Walks over the records of a segment that is known to be intact. */
export class SegmentCursor extends Cursor {
  readonly #blocks: Blocks;
  #at = 0;
  #end = 0;

  constructor(blocks: Blocks) {
    super();
    this.#blocks = blocks;
  }

  override next(): boolean {
    if (this.#at === this.#end) {
      const block = this.#blocks();
      if (block === undefined) return false;
      this.bytes = block;
      this.#at = 0;
      this.#end = block.length;
    }
    const keyLength = this.#varint();
    const valueLength = this.#varint();
    this.keyStart = this.#at;
    this.keyEnd = this.keyStart + keyLength;
    this.valueEnd = this.keyEnd + valueLength;
    this.#at = this.valueEnd;
    this.prefix = keyPrefix(this.bytes, this.keyStart, this.keyEnd);
    return true;
  }

  #varint(): number {
    let byte = this.bytes[this.#at++] ?? 0;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = this.bytes[this.#at++] ?? 0;
      value |= (byte & 0x7f) << shift;
    }
    return value >>> 0;
  }
}

/** The blocks of a segment in memory. */
export function blocksOf(segment: Buffer): Blocks {
  let at = 0;
  return () => {
    const length = segment.readUInt32LE(at);
    const start = at + headerLength;
    at = start + length;
    return length === 0 ? undefined : segment.subarray(start, at);
  };
}
