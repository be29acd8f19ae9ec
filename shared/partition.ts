/**
 * Which reduce task a key belongs to. Every runner of a job must agree on this, so the function never changes without a
 * new version of the messages between Worker and runner.
 */

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
  return finish(hash, end - start);
}

/** Whether the lowest byte of a word in memory comes first. */
const isLittleEndian = new Uint8Array(new Int32Array([1]).buffer)[0] === 1;

/**
 * `hashKey` of a key of `length` bytes that begins with the word `first`: four bytes are read at a time, which makes a
 * difference for long keys.
 */
export function hashWords(words: Int32Array, first: number, length: number): number {
  if (!isLittleEndian) return hashKey(new Uint8Array(words.buffer, words.byteOffset), 4 * first, 4 * first + length);
  let hash = 0;
  const tail = first + (length >> 2);
  for (let at = first; at < tail; at++) {
    hash ^= scramble(words[at] ?? 0);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  // What follows the key in its last word is not part of it.
  if ((length & 3) > 0) hash ^= scramble((words[tail] ?? 0) & ((1 << (8 * (length & 3))) - 1));
  return finish(hash, length);
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

function finish(hash: number, length: number): number {
  let mixed = hash ^ length;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function scramble(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
