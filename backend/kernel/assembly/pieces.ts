import { copyBytes, putVarint } from "./bytes";

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

/**
 * Writes a piece, for which there must be room.
 * @param isFirst whether it is the first one of its block, so that its key must be written
 * @param isSame whether the piece before it, in this or an earlier block, has the same key
 * @param count how many values there are in the `bytes` from `values` on
 * @returns where it ends
 */
@inline
export function putPiece(
  out: usize,
  isFirst: bool,
  isSame: bool,
  key: usize,
  length: u32,
  values: usize,
  bytes: u32,
  count: u32,
): usize {
  out = putPieceHeader(out, isFirst, isSame, key, length, bytes, count);
  copyBytes(out, values, bytes);
  return out + bytes;
}

/** Likewise, with `count` times the same value. @param bytes of one value, packed */
@inline
export function putRepeatedPiece(
  out: usize,
  isFirst: bool,
  isSame: bool,
  key: usize,
  length: u32,
  value: usize,
  bytes: u32,
  count: u32,
): usize {
  const all = bytes * count;
  out = putPieceHeader(out, isFirst, isSame, key, length, all, count);
  copyBytes(out, value, bytes);
  for (let copied = bytes; copied < all; ) {
    const more = min(copied, all - copied);
    copyBytes(out + copied, out, more);
    copied += more;
  }
  return out + all;
}

@inline
function putPieceHeader(
  out: usize,
  isFirst: bool,
  isSame: bool,
  key: usize,
  length: u32,
  bytes: u32,
  count: u32,
): usize {
  const one = count == 1 ? single : 0;
  if (isSame && !isFirst) out = putVarint(out, sameKey | one);
  else {
    out = putVarint(out, (<u64>length << 3) | (isSame ? sameKeyAgain : newKey) | one);
    copyBytes(out, key, length);
    out += length;
  }
  return one == 0 ? putVarint(putVarint(out, count), bytes) : out;
}
