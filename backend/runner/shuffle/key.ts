/**
 * The order of keys: by unsigned bytes, and a key comes before its own continuations. The first six bytes of each key are kept as
 * a number, which decides most comparisons without reading the key.
 */

/** Bytes in a prefix: as many as a double represents exactly. */
const prefixLength = 6;

/** Longer keys are compared by a call into the engine. */
const shortKey = 32;

/** Returns the first 6 bytes of the key `[start, end)` as a big-endian number. Shorter keys are padded with zeros. */
export function keyPrefix(bytes: Buffer, start: number, end: number): number {
  // `?? 0` satisfies the index check of the compiler: every index here is in bounds.
  if (end - start >= prefixLength) {
    const high = ((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0);
    const middle = ((bytes[start + 2] ?? 0) << 8) | (bytes[start + 3] ?? 0);
    const low = ((bytes[start + 4] ?? 0) << 8) | (bytes[start + 5] ?? 0);
    return (high * 0x10000 + middle) * 0x10000 + low;
  }
  let prefix = 0;
  for (let at = start; at < start + prefixLength; at++) prefix = prefix * 256 + (at < end ? (bytes[at] ?? 0) : 0);
  return prefix;
}

/** Compares two keys whose prefixes are equal. @returns a number below, equal to or above 0 */
export function compareKeys(a: Buffer, aStart: number, aEnd: number, b: Buffer, bStart: number, bEnd: number): number {
  const common = Math.min(aEnd - aStart, bEnd - bStart);
  if (common > shortKey) return a.compare(b, bStart, bEnd, aStart, aEnd);
  for (let index = prefixLength; index < common; index++) {
    const difference = (a[aStart + index] ?? 0) - (b[bStart + index] ?? 0);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}
