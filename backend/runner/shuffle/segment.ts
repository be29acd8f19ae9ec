import { StorageError } from "../../storage/store.ts";

/**
 * The format of segments, in the shuffle and in local files. A segment is a sequence of blocks and a terminator. A block is
 * a header and whole pieces: a key with one or more values, as cursors give them. A header is three 32-bit little-endian
 * numbers: bytes of the payload as it lies here, plus `zstd` where it is compressed; records (that is, values) in it; and
 * the CRC-32 of everything in the segment up to the end of this block except the checksums. The terminator is a header with 0 bytes and the number of all records. So bytes that
 * changed, moved or are missing show, each block can be checked before it is used, and the end is certain. A segment
 * without records has no bytes at all.
 *
 * A piece begins with a varint: the key's length times 8, plus one of `pieceKinds`, plus `single` where there is one value.
 * Then come the key, unless it is that of the piece before; the number of values and the bytes that they take, unless there
 * is one; and the packed values (see `packed.ts`).
 */
export type Segment = {
  /** Where it begins in its object or file. */
  readonly offset: number;
  /** Its bytes, 0 when it has no records. */
  readonly length: number;
  readonly records: number;
};

/** How the segments of a map output lie in it, one after another, by partition. */
export type SegmentIndex = {
  /** Bytes of each; 0 for one without records. */
  readonly lengths: readonly number[];
  /** Bytes of the largest block of all, uncompressed: so much memory it takes to read any of them. */
  readonly largestBlock: number;
};

/** Bytes of a block's header. */
export const headerLength = 12;

/** Added to the length of a payload that is compressed with Zstandard. Others have fewer bytes than this. */
export const zstd = 0x8000_0000;

/** Whose key a piece has: a new one; that of the piece before, which the block does not hold; that of the piece before. */
export const pieceKinds = { newKey: 0, sameKeyAgain: 2, sameKey: 4 } as const;

/** Added where the piece has one value, which tells its own length. */
export const single = 1;

/** The bytes of a segment are not those that were written. */
export class DamagedSegmentError extends StorageError {
  constructor(why: string) {
    super("DamagedSegment", why);
  }
}
