/** Looking for lines in text. */

const newline: i8 = 10;

/** How many times 1 can be taken from a byte of a vector before it starts over. */
const mostSteps: usize = 255;

/** Counts the newlines in `[from, to)`. */
export function countNewlines(from: usize, to: usize): u32 {
  const newlines = i8x16.splat(newline);
  let count: u32 = 0;
  let at = from;
  while (at + 16 <= to) {
    const end = min(at + mostSteps * 16, at + ((to - at) & ~15));
    let counts = i8x16.splat(0);
    // A comparison gives -1 where it holds.
    for (; at < end; at += 16) counts = i8x16.sub(counts, i8x16.eq(v128.load(at), newlines));
    const sums = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(counts));
    count += i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
    count += i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  }
  for (; at < to; at++) count += u32(load<u8>(at) == newline);
  return count;
}

/** Whether there were only characters of ASCII in the text that `findLineEnds` looked through last. */
export let isAsciiText: bool = false;

/**
 * Writes where the newlines in `[from, to)` are, as words that count from `from`.
 * @param out memory for as many words as there are bytes
 * @returns how many there are
 */
export function findLineEnds(from: usize, to: usize, out: usize): u32 {
  const newlines = i8x16.splat(newline);
  let seen = i8x16.splat(0);
  let end = out;
  let at = from;
  for (; at + 16 <= to; at += 16) {
    const bytes = v128.load(at);
    seen = v128.or(seen, bytes);
    for (let found = i8x16.bitmask(i8x16.eq(bytes, newlines)); found != 0; found &= found - 1) {
      store<u32>(end, <u32>(at - from) + <u32>ctz(found));
      end += 4;
    }
  }
  let others: u8 = 0;
  for (; at < to; at++) {
    const byte = load<u8>(at);
    others |= byte;
    if (byte == newline) {
      store<u32>(end, <u32>(at - from));
      end += 4;
    }
  }
  isAsciiText = i8x16.bitmask(seen) == 0 && others < 0x80;
  return <u32>((end - out) >> 2);
}
