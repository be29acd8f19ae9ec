/**
 * The pieces of a segment's blocks: a key with one or more values; see `segment.ts` of the runner for the format. A piece starts
 * with a varint: the key's length times 8, plus one of these, plus `single` if there is one value.
 */
export const newKey: u64 = 0;
export const sameKeyAgain: u64 = 2;
export const sameKey: u64 = 4;
export const single: u64 = 1;

/** The most bytes that the three varints of a piece take. */
export const pieceHeader: u32 = 15;
