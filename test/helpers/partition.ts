/** Which reduce task a key belongs to: a model of what the kernel does, see `backend/kernel/assembly/bytes.ts`. */

/**
 * The 32-bit hash of the bytes `[start, end)`: MurmurHash3_x86_32 with seed 0, by Austin Appleby (public domain,
 * github.com/aappleby/smhasher, `MurmurHash3.cpp`).
 * @returns an integer of 0 to 2^32 - 1
 */
export function hashKey(bytes: Uint8Array, start: number, end: number): number {
  // `?? 0` satisfies the index check of the compiler: every index here is in bounds.
  let hash = 0;
  let at = start;
  for (const wholeWords = end - 3; at < wholeWords; at += 4) {
    const word =
      (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    hash ^= scramble(word);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  if (at < end) {
    let word = 0;
    for (let tail = end - 1; tail >= at; tail--) word = (word << 8) | (bytes[tail] ?? 0);
    hash ^= scramble(word);
  }
  let mixed = hash ^ (end - start);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * The partition of a key.
 * @param hash of the key: `hashKey`
 * @param partitions how many there are, at least 1
 * @returns 0 to `partitions - 1`
 */
export function partitionOf(hash: number, partitions: number): number {
  return hash % partitions;
}

function scramble(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
