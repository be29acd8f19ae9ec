/**
 * Fletcher's checksum (J. G. Fletcher, "An Arithmetic Checksum for Serial Transmissions", 1982) over words of 32 bits in four lanes:
 * a sum of the words and a sum of these sums, both of 64 bits. They cannot overflow in a range of 64 KiB, so that bytes that were
 * changed, moved or left out change them. The sums, the length and the previous checksum are then mixed to 32 bits.
 */

import { firstBytes } from "./bytes";

/** An odd number without a pattern: 2^64 divided by the golden ratio. */
const factor: u64 = 0x9e3779b97f4a7c15;

/** @param previous the checksum of what comes before, 0 if there is nothing. @returns the checksum of `[from, to)`, at most 64 KiB */
export function checksum(from: usize, to: usize, previous: u32): u32 {
  let low = i64x2.splat(0);
  let high = i64x2.splat(0);
  let lowSums = i64x2.splat(0);
  let highSums = i64x2.splat(0);
  let at = from;
  for (; at + 16 <= to; at += 16) {
    const words = v128.load(at);
    low = i64x2.add(low, i64x2.extend_low_i32x4_u(words));
    high = i64x2.add(high, i64x2.extend_high_i32x4_u(words));
    lowSums = i64x2.add(lowSums, low);
    highSums = i64x2.add(highSums, high);
  }
  let mixed = mix(previous, <u64>(to - from));
  mixed = mixLanes(mixed, low);
  mixed = mixLanes(mixed, high);
  mixed = mixLanes(mixed, lowSums);
  mixed = mixLanes(mixed, highSums);
  if (at < to) {
    const rest = u32(to - at);
    mixed = mix(mixed, firstBytes(load<u64>(at), rest));
    if (rest > 8) mixed = mix(mixed, firstBytes(load<u64>(at + 8), rest - 8));
  }
  return <u32>(mixed >> 32);
}

@inline
function mixLanes(mixed: u64, lanes: v128): u64 {
  return mix(mix(mixed, i64x2.extract_lane(lanes, 0)), i64x2.extract_lane(lanes, 1));
}

@inline
function mix(mixed: u64, value: u64): u64 {
  mixed = (mixed ^ value) * factor;
  return mixed ^ (mixed >> 29);
}
