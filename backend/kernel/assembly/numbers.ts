/** Decimal integers of 64 bits. */

const zero: u8 = 48;
const minus: u8 = 45;
const plus: u8 = 43;

/** The most characters of a number. */
export const longestNumber: u32 = 20;

/** Digits that cannot overflow 64 bits without a sign. */
const safeDigits: u32 = 19;

/** Whether the last text that was parsed is a number. */
export let isNumber: bool = false;

/** Parses a number: an optional sign, then digits; see `isNumber`. */
export function parseNumber(at: usize, length: u32): i64 {
  isNumber = false;
  const end = at + length;
  const sign: u8 = length > 0 ? load<u8>(at) : 0;
  const isNegative = sign == minus;
  if (isNegative || sign == plus) at++;
  if (at == end) return 0;
  while (at < end - 1 && load<u8>(at) == zero) at++;
  if (end - at > safeDigits) return 0;
  let number: u64 = 0;
  for (; at < end; at++) {
    const digit = load<u8>(at) - zero;
    if (digit > 9) return 0;
    number = number * 10 + digit;
  }
  isNumber = number <= <u64>i64.MAX_VALUE + u64(isNegative);
  return isNegative ? -(<i64>number) : <i64>number;
}

/** Writes a number. @returns where it ends */
export function putNumber(at: usize, number: i64): usize {
  let rest = <u64>number;
  if (number < 0) {
    store<u8>(at++, minus);
    rest = 0 - rest;
  }
  let digits: u32 = 1;
  for (let left = rest / 10; left > 0; left /= 10) digits++;
  const end = at + digits;
  for (let to = end - 1; to >= at; to--) {
    store<u8>(to, zero + <u8>(rest % 10));
    rest /= 10;
  }
  return end;
}
