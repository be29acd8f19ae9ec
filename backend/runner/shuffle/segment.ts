/**
 * The format of segments, in the shuffle and in local files. A segment is a sequence of blocks and a terminator. A block is
 * a header and whole records; a record is the lengths of key and value as varints (LEB128), then key and value. A header is
 * three 32-bit little-endian numbers: bytes of the payload, records in it, and the CRC-32 of everything in the segment up
 * to the end of this block except the checksums. The terminator is a header with 0 bytes and the number of all records.
 * So bytes that changed, moved or are missing show, each block can be checked before it is used, and the end is certain.
 * A segment without records has no bytes at all.
 */
export type Segment = {
  /** Where it begins in its object or file. */
  readonly offset: number;
  /** Its bytes, 0 when it has no records. */
  readonly length: number;
  readonly records: number;
};

/** Bytes of a block's header. */
export const headerLength = 12;
