import { StorageError } from "../../storage/store.ts";

/**
 * The format of segments, in the shuffle and in local files. A segment is a sequence of blocks and a terminator. A block is a
 * header and whole pieces: a key with one or more values, as cursors return them. A header is three 32-bit little-endian numbers:
 * the bytes of the stored payload, plus `zstd` if it is compressed; the number of records (that is, values) in the payload; and
 * the checksum (see `Checksum`) of everything in the segment up to the end of this block except the checksums. The terminator is a header with 0
 * bytes and the total number of records. Bytes that changed, moved or are missing are therefore detected, each block can be
 * verified before it is used, and the end is certain. A segment without records has no bytes at all.
 *
 * A piece starts with a varint: the key's length times 8, plus one of `pieceKinds`, plus `single` if there is one value. Then
 * come the key, unless it is the previous piece's; the number of values and their total bytes, unless there is only one value;
 * and the packed values (see `packed.ts`).
 */
export type Segment = {
  /** Where the segment starts in its object or file. */
  readonly offset: number;
  /** Length in bytes; 0 if the segment has no records. */
  readonly length: number;
  readonly records: number;
};

/** The layout of a map output: its segments lie one after another, by partition. */
export type SegmentIndex = {
  /** Length of each segment in bytes; 0 for a segment without records. */
  readonly lengths: readonly number[];
  /** Bytes of the largest block of all segments, uncompressed: the memory needed to read any of them. */
  readonly largestBlock: number;
};

/** A block is closed once it has this many bytes, so it exceeds this by less than one piece. */
export const blockLength = 64 * 1024;

/** Bytes of a block's header. */
export const headerLength = 12;

/** Bytes of a header that the checksum covers. The checksum itself follows. */
export const checkedHeader = 8;

/** Added to the length of a payload that is compressed with Zstandard. Payload lengths are always smaller than this. */
export const zstd = 0x8000_0000;

/** Which key a piece has: a new one; the previous piece's, repeated because this block lacks it; the previous piece's. */
export const pieceKinds = { newKey: 0, sameKeyAgain: 2, sameKey: 4 } as const;

/** Added if the piece has one value, which includes its own length. */
export const single = 1;

/** The bytes of a segment differ from those that were written. */
export class DamagedSegmentError extends StorageError {
  constructor(why: string) {
    super("DamagedSegment", why);
  }
}
