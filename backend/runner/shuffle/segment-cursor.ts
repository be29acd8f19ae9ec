import { zstdDecompressSync } from "node:zlib";
import { Cursor } from "./cursor.ts";
import { keyPrefix } from "./key.ts";
import { VarintReader } from "./packed.ts";
import { headerLength, pieceKinds, single, zstd } from "./segment.ts";

/**
 * Returns the payloads of a segment's blocks, one per call, then undefined. Each is valid until the next call.
 */
export type Blocks = () => Buffer | undefined;

/** Iterates over the pieces of a segment that is known to be intact. */
export class SegmentCursor extends Cursor {
  readonly #blocks: Blocks;
  readonly #reader = new VarintReader();
  #end = 0;

  constructor(blocks: Blocks) {
    super();
    this.#blocks = blocks;
  }

  override next(): boolean {
    const reader = this.#reader;
    if (reader.at === this.#end) {
      const block = this.#blocks();
      if (block === undefined) return false;
      this.bytes = block;
      this.valueBytes = block;
      reader.at = 0;
      this.#end = block.length;
    }
    const bytes = this.bytes;
    const head = reader.read(bytes);
    const kind = head & 6;
    this.continued = kind !== pieceKinds.newKey;
    if (kind !== pieceKinds.sameKey) {
      this.keyStart = reader.at;
      this.keyEnd = this.keyStart + (head >>> 3);
      this.prefix = keyPrefix(bytes, this.keyStart, this.keyEnd);
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

/** Returns the blocks of a segment in memory that is known to be intact. */
export function blocksOf(segment: Buffer): Blocks {
  let at = 0;
  return () => {
    const length = payloadLength(segment, at);
    const block = segment.subarray(at, at + headerLength + length);
    at += block.length;
    return length === 0 ? undefined : payloadOf(block);
  };
}

/** Returns the payload length, in bytes, of the block whose header is at `at`. */
export function payloadLength(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) % zstd;
}

/** Returns the payload of a block, decompressed. */
export function payloadOf(block: Buffer): Buffer {
  const payload = block.subarray(headerLength);
  return block.readUInt32LE(0) < zstd ? payload : zstdDecompressSync(payload);
}
