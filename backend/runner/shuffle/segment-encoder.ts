import { constants, crc32, zstdCompressSync } from "node:zlib";
import type { Cursor } from "./cursor.ts";
import { copyBytes, maxVarint, putVarint } from "./packed.ts";
import { headerLength, pieceKinds, type Segment, type SegmentIndex, single, zstd } from "./segment.ts";

/** A block is closed once it has this many bytes, so it exceeds this by less than one piece. */
const blockLength = 64 * 1024;

/** Maximum bytes of the three varints of a piece. */
const maxLengths = 3 * maxVarint;

/** A block is stored compressed if that leaves no more than this part of it. */
const worthwhile = 0.9;

/** Smaller blocks are not compressed: starting the compressor takes longer than sending them. */
const minCompressed = 512;

const fastest = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Encodes sorted records into segments, one after another. */
export class SegmentEncoder {
  /** The segments written so far, in order. */
  readonly segments: Segment[] = [];
  /** Bytes of the largest block so far, uncompressed. */
  largestBlock = 0;
  readonly #compressing: boolean;
  #offset = 0;
  #block = Buffer.allocUnsafeSlow(blockLength + 4096);
  #used = headerLength;
  #checksum = 0;

  /** @param compressing whether to compress blocks, which pays off if they go over a network, not if they stay on this machine */
  constructor(compressing: boolean) {
    this.#compressing = compressing;
  }

  /** The index of the segments written so far, which lie one after another. */
  get index(): SegmentIndex {
    return { lengths: this.segments.map(({ length }) => length), largestBlock: this.largestBlock };
  }

  /**
   * Encodes one segment for each cursor. Each block is valid until the next one is requested.
   * @param sorted cursors before their first piece; each is taken when the previous one is done
   */
  *encode(sorted: Iterable<Cursor>): Generator<Buffer, void, void> {
    for (const cursor of sorted) {
      const offset = this.#offset;
      const records = yield* this.#encodeSegment(cursor);
      this.segments.push({ offset, length: this.#offset - offset, records });
    }
  }

  *#encodeSegment(cursor: Cursor): Generator<Buffer, number, void> {
    let records = 0;
    let inBlock = 0;
    this.#checksum = 0;
    while (cursor.next()) {
      this.#append(cursor);
      inBlock += cursor.count;
      if (this.#used < blockLength) continue;
      records += inBlock;
      yield this.#close(inBlock);
      inBlock = 0;
    }
    if (inBlock > 0) {
      records += inBlock;
      yield this.#close(inBlock);
    }
    if (records > 0) yield this.#close(records);
    return records;
  }

  #append(cursor: Cursor): void {
    const { bytes, keyStart, keyEnd, continued, valueBytes, valuesStart, valuesEnd, count } = cursor;
    const keyLength = keyEnd - keyStart;
    const needed = this.#used + maxLengths + keyLength + valuesEnd - valuesStart;
    if (needed > this.#block.length) {
      const grown = Buffer.allocUnsafeSlow(needed);
      this.#block.copy(grown, 0, 0, this.#used);
      this.#block = grown;
    }
    const block = this.#block;
    const one = count === 1 ? single : 0;
    let at = this.#used;
    if (continued && at > headerLength) {
      at = putVarint(block, at, pieceKinds.sameKey | one);
    } else {
      // A multiplication, not a shift, because a key can have more than 2^29 bytes.
      at = putVarint(block, at, keyLength * 8 + ((continued ? pieceKinds.sameKeyAgain : pieceKinds.newKey) | one));
      if (one === single && valuesStart === keyEnd && valueBytes === bytes) {
        // A `RecordArena` stores key and value side by side.
        this.#used = copyBytes(bytes, keyStart, valuesEnd, block, at);
        return;
      }
      at = copyBytes(bytes, keyStart, keyEnd, block, at);
    }
    if (one === 0) at = putVarint(block, putVarint(block, at, count), valuesEnd - valuesStart);
    this.#used = copyBytes(valueBytes, valuesStart, valuesEnd, block, at);
  }

  /** Completes the block, or the terminator, which is a block without its own records. */
  #close(records: number): Buffer {
    const compressed = this.#compressed();
    const block = compressed ?? this.#block.subarray(0, this.#used);
    const payload = block.subarray(headerLength);
    block.writeUInt32LE(payload.length + (compressed === undefined ? 0 : zstd), 0);
    block.writeUInt32LE(records % 0x1_0000_0000, 4);
    this.#checksum = crc32(block.subarray(0, 8), this.#checksum);
    this.#checksum = crc32(payload, this.#checksum);
    block.writeUInt32LE(this.#checksum, 8);
    this.largestBlock = Math.max(this.largestBlock, this.#used);
    this.#offset += block.length;
    this.#used = headerLength;
    // Do not keep the memory of a large piece.
    if (this.#block.length > 4 * blockLength) this.#block = Buffer.allocUnsafeSlow(blockLength + 4096);
    return block;
  }

  /** Returns the block with its payload compressed, or undefined if that is not wanted or not worthwhile. */
  #compressed(): Buffer | undefined {
    if (!this.#compressing || this.#used < minCompressed) return undefined;
    const compressed = zstdCompressSync(this.#block.subarray(headerLength, this.#used), fastest);
    if (compressed.length > worthwhile * this.#used) return undefined;
    const block = Buffer.allocUnsafeSlow(headerLength + compressed.length);
    compressed.copy(block, headerLength);
    return block;
  }
}
