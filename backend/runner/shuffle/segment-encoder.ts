import { constants, zstdCompressSync } from "node:zlib";
import type { BlockSource } from "./blocks.ts";
import { Checksum } from "./checksum.ts";
import { checkedHeader, headerLength, type Segment, type SegmentIndex, zstd } from "./segment.ts";

/** A block is stored compressed if that leaves no more than this part of it. */
const worthwhile = 0.9;

/** Smaller blocks are not compressed: starting the compressor takes longer than sending them. */
const minCompressed = 512;

const fastest = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Makes segments, one after another, of blocks of sorted records. */
export class SegmentEncoder {
  /** The segments written so far, in order. */
  readonly segments: Segment[] = [];
  /** Bytes of the largest block so far, uncompressed. */
  largestBlock = 0;
  readonly #compressing: boolean;
  #offset = 0;
  #checksum = new Checksum();

  /** @param compressing whether to compress blocks, which pays off if they go over a network, not if they stay on this machine */
  constructor(compressing: boolean) {
    this.#compressing = compressing;
  }

  /** The index of the segments written so far, which lie one after another. */
  get index(): SegmentIndex {
    return { lengths: this.segments.map(({ length }) => length), largestBlock: this.largestBlock };
  }

  /**
   * Makes one segment of the blocks of each partition. Each block that it yields is valid until the next one is requested.
   * @param partitions each is taken when the previous one is done
   */
  *encode(partitions: Iterable<BlockSource>): Generator<Buffer, void, void> {
    for (const blocks of partitions) {
      const offset = this.#offset;
      this.#checksum = new Checksum();
      let records = 0;
      for (let block = blocks(); block !== undefined; block = blocks()) {
        records += block.records;
        this.largestBlock = Math.max(this.largestBlock, block.bytes.length);
        yield this.#close(block.bytes, block.records);
      }
      // The terminator.
      if (records > 0) yield this.#close(Buffer.alloc(headerLength), records);
      this.segments.push({ offset, length: this.#offset - offset, records });
    }
  }

  /** Completes a block. */
  #close(plain: Buffer, records: number): Buffer {
    const compressed = this.#compressed(plain);
    const block = compressed ?? plain;
    const payload = block.subarray(headerLength);
    block.writeUInt32LE(payload.length + (compressed === undefined ? 0 : zstd), 0);
    block.writeUInt32LE(records % 0x1_0000_0000, 4);
    this.#checksum.add(block.subarray(0, checkedHeader));
    this.#checksum.add(payload);
    block.writeUInt32LE(this.#checksum.value, checkedHeader);
    this.#offset += block.length;
    return block;
  }

  /** Returns the block with its payload compressed, or undefined if that is not wanted or not worthwhile. */
  #compressed(plain: Buffer): Buffer | undefined {
    if (!this.#compressing || plain.length < minCompressed) return undefined;
    const compressed = zstdCompressSync(plain.subarray(headerLength), fastest);
    if (compressed.length > worthwhile * plain.length) return undefined;
    const block = Buffer.allocUnsafeSlow(headerLength + compressed.length);
    compressed.copy(block, headerLength);
    return block;
  }
}
