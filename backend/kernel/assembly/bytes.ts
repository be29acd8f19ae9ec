/** Reading, copying, comparing and hashing bytes. Some functions read up to 15 bytes beyond a range, never write beyond it. */

/** What `keepFetched` was given. */
export let fetched: u32 = 0;

/**
 * Keeps reads that only fetch memory from being optimized away. Such reads stand in loops of their own, which are so short that the
 * processor begins with many of them before the memory of the first one has come.
 */
@inline
export function keepFetched(read: u32): void {
  fetched = read;
}

/** The first `length` bytes, 0 to 8 or more, of a word; the rest is zero. */
@inline
export function firstBytes(word: u64, length: u32): u64 {
  return length >= 8 ? word : word & ((<u64>1 << (length << 3)) - 1);
}

/** Copies exactly `length` bytes. The ranges do not overlap. */
@inline
export function copyBytes(to: usize, from: usize, length: u32): void {
  if (length > 16) copyMany(to, from, length);
  else if (length >= 8) {
    // The two halves overlap unless there are 16 bytes.
    const last = load<u64>(from + length - 8);
    store<u64>(to, load<u64>(from));
    store<u64>(to + length - 8, last);
  } else if (length >= 4) {
    const last = load<u32>(from + length - 4);
    store<u32>(to, load<u32>(from));
    store<u32>(to + length - 4, last);
  } else if (length > 0) {
    store<u8>(to, load<u8>(from));
    store<u8>(to + (length >> 1), load<u8>(from + (length >> 1)));
    store<u8>(to + length - 1, load<u8>(from + length - 1));
  }
}

function copyMany(to: usize, from: usize, length: u32): void {
  if (length > 512) {
    memory.copy(to, from, length);
    return;
  }
  const last = length - 16;
  for (let at: u32 = 0; at < last; at += 16) v128.store(to + at, v128.load(from + at));
  v128.store(to + last, v128.load(from + last));
}

/** The first 8 bytes of a key as a big-endian number; a shorter key is padded with zeros. */
@inline
export function prefixOf(key: usize, length: u32): u64 {
  return bswap<u64>(firstBytes(load<u64>(key), length));
}

/** Compares two keys by unsigned bytes, from their byte `skip` on. @returns below, equal to or above 0 */
export function compareKeys(a: usize, aLength: u32, b: usize, bLength: u32, skip: u32): i32 {
  const common = min(aLength, bLength);
  for (let at = skip; at < common; at += 8) {
    const x = prefixOf(a + at, common - at);
    const y = prefixOf(b + at, common - at);
    if (x != y) return x < y ? -1 : 1;
  }
  return aLength < bLength ? -1 : i32(aLength > bLength);
}

/** Writes a varint (LEB128). @returns where it ends */
@inline
export function putVarint(at: usize, value: u64): usize {
  while (value >= 0x80) {
    store<u8>(at++, <u8>value | 0x80);
    value >>= 7;
  }
  store<u8>(at, <u8>value);
  return at + 1;
}

/** The number of bytes of a varint. */
@inline
export function varintBytes(value: u64): u32 {
  return value < 0x80 ? 1 : (70 - <u32>clz(value)) / 7;
}

/** Where the last varint that was read ends. */
export let varintEnd: usize = 0;

/** Reads a varint of at most 35 bits; see `varintEnd`. */
export function readVarint(at: usize): u64 {
  let value: u64 = 0;
  for (let shift: u64 = 0; shift < 42; shift += 7) {
    const byte: u64 = load<u8>(at++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  varintEnd = at;
  return value;
}

/**
 * The hash that decides the partition of a key: MurmurHash3_x86_32 with seed 0, by Austin Appleby (public domain,
 * github.com/aappleby/smhasher, `MurmurHash3.cpp`). Every runner of a job must agree on it, so it never changes without a new
 * version of the messages between Worker and runner.
 */
export function partitionHash(key: usize, length: u32): u32 {
  let hash: u32 = 0;
  const end = key + (length & ~3);
  for (; key < end; key += 4) hash = rotl<u32>(hash ^ scramble(load<u32>(key)), 13) * 5 + 0xe6546b64;
  if (length & 3) hash ^= scramble(load<u32>(key) & ((1 << ((length & 3) << 3)) - 1));
  hash ^= length;
  hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
  return hash ^ (hash >> 16);
}

@inline
function scramble(word: u32): u32 {
  return rotl<u32>(word * 0xcc9e2d51, 15) * 0x1b873593;
}
