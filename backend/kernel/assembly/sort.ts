import { compareKeys, partitionHash, prefixOf } from "./bytes";

/**
 * Sorting of an index. An item has 16 bytes: 8 bytes of the key as a big-endian number (at first its prefix), the address of the
 * key, and the key's length.
 */

export const itemBytes: usize = 16;

/** An entry of an index: an item, then the number of its partition. Entries lie one below the other. */
export const entryBytes: usize = itemBytes + 4;

/** Memory that indexing takes for each item: its entry, whose memory is used again, and its place in the order of partitions. */
export const indexBytes: usize = entryBytes + itemBytes;

/** Fewer items are sorted by insertion. */
const few: u32 = 20;

/** The counters of a pass over one byte of the keys: 256 words. Each nested call has its own. */
const passBytes: usize = 1024;

/** Memory for the counters. A nested call has at most half of the items, so there are at most 33 levels. */
export const counterBytes: usize = 33 * passBytes;

@inline
export function putEntry(at: usize, key: usize, length: u32, partitions: u32): void {
  store<u64>(at, prefixOf(key, length));
  store<u32>(at, <u32>key, 8);
  store<u32>(at, length, 12);
  store<u32>(at, partitions == 1 ? 0 : partitionHash(key, length) % partitions, itemBytes);
}

@inline
export function itemKey(item: usize): usize {
  return <usize>load<u32>(item, 8);
}

@inline
export function itemLength(item: usize): u32 {
  return load<u32>(item, 12);
}

@inline
function moveItem(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
}

/**
 * Distributes items to partitions; stable.
 * @param top where the first entry ends; the others lie below it
 * @param ends receives the number of the first item after each partition, a word each; has a word more than there are partitions
 */
export function distribute(top: usize, count: u32, partitions: u32, to: usize, ends: usize): void {
  const bottom = top - <usize>count * entryBytes;
  memory.fill(ends, 0, (<usize>partitions + 1) << 2);
  for (let entry = top; entry > bottom; ) {
    entry -= entryBytes;
    const counter = ends + ((<usize>load<u32>(entry, itemBytes) + 1) << 2);
    store<u32>(counter, load<u32>(counter) + 1);
  }
  for (let counter = ends + 4, end = ends + (<usize>partitions << 2); counter < end; counter += 4) {
    store<u32>(counter, load<u32>(counter) + load<u32>(counter - 4));
  }
  for (let entry = top; entry > bottom; ) {
    entry -= entryBytes;
    const counter = ends + (<usize>load<u32>(entry, itemBytes) << 2);
    const place = load<u32>(counter);
    store<u32>(counter, place + 1);
    moveItem(to + (<usize>place << 4), entry);
  }
}

/**
 * Sorts items by key; stable. A radix sort from the most significant byte on: by the 8 bytes in the items, then by the next 8 of
 * those that are equal so far, and so on. The largest bucket of each pass is sorted by the loop, the others by nested calls.
 * @param spare memory for as many items
 * @param counters see `counterBytes`
 * @param depth how many bytes of the keys come before those in the items
 * @param byte the byte in the items to sort by, 0 to 8
 */
export function sortItems(items: usize, spare: usize, count: u32, counters: usize, depth: u32, byte: u32): void {
  while (count >= few) {
    if (byte == 8) {
      const ended = moveEndedFirst(items, spare, count, depth + 8);
      items += <usize>ended << 4;
      count -= ended;
      depth += 8;
      byte = 0;
      for (let item = items, end = items + (<usize>count << 4); item < end; item += itemBytes) {
        store<u64>(item, prefixOf(itemKey(item) + depth, itemLength(item) - depth));
      }
      continue;
    }
    const shift: u64 = 56 - (<u64>byte << 3);
    byte++;
    const end = items + (<usize>count << 4);
    memory.fill(counters, 0, passBytes);
    for (let item = items; item < end; item += itemBytes) {
      const counter = counters + (<usize>((load<u64>(item) >> shift) & 0xff) << 2);
      store<u32>(counter, load<u32>(counter) + 1);
    }
    if (load<u32>(counters + (<usize>((load<u64>(items) >> shift) & 0xff) << 2)) == count) continue;
    let start: u32 = 0;
    let largest: u32 = 0;
    let largestAt: usize = 0;
    for (let counter = counters; counter < counters + passBytes; counter += 4) {
      const size = load<u32>(counter);
      if (size > largest) {
        largest = size;
        largestAt = counter;
      }
      store<u32>(counter, start);
      start += size;
    }
    for (let item = items; item < end; item += itemBytes) {
      const counter = counters + (<usize>((load<u64>(item) >> shift) & 0xff) << 2);
      const place = load<u32>(counter);
      store<u32>(counter, place + 1);
      moveItem(spare + (<usize>place << 4), item);
    }
    memory.copy(items, spare, <usize>count << 4);
    start = 0;
    let largestStart: u32 = 0;
    for (let counter = counters; counter < counters + passBytes; counter += 4) {
      const after = load<u32>(counter);
      if (counter == largestAt) largestStart = start;
      else if (after - start > 1) {
        sortItems(items + (<usize>start << 4), spare, after - start, counters + passBytes, depth, byte);
      }
      start = after;
    }
    items += <usize>largestStart << 4;
    count = largest;
  }
  sortByInsertion(items, count, depth);
}

/** Of items whose keys are equal up to byte `until`, moves those first that end there or before, by length. @returns how many */
function moveEndedFirst(items: usize, spare: usize, count: u32, until: u32): u32 {
  const end = items + (<usize>count << 4);
  let ended: u32 = 0;
  for (let item = items; item < end; item += itemBytes) ended += u32(itemLength(item) <= until);
  if (ended == 0) return 0;
  let to = spare;
  for (let length = until - 8; length <= until; length++) {
    for (let item = items; item < end; item += itemBytes) {
      if (itemLength(item) != length) continue;
      moveItem(to, item);
      to += itemBytes;
    }
  }
  for (let item = items; item < end; item += itemBytes) {
    if (itemLength(item) <= until) continue;
    moveItem(to, item);
    to += itemBytes;
  }
  memory.copy(items, spare, <usize>count << 4);
  return ended;
}

function sortByInsertion(items: usize, count: u32, depth: u32): void {
  const end = items + (<usize>count << 4);
  for (let next = items + itemBytes; next < end; next += itemBytes) {
    const moved = v128.load(next);
    const prefix = load<u64>(next);
    const key = itemKey(next);
    const length = itemLength(next);
    let to = next;
    while (to > items && isAfter(to - itemBytes, prefix, key, length, depth)) {
      moveItem(to, to - itemBytes);
      to -= itemBytes;
    }
    v128.store(to, moved);
  }
}

@inline
function isAfter(item: usize, prefix: u64, key: usize, length: u32, depth: u32): bool {
  const other = load<u64>(item);
  if (other != prefix) return other > prefix;
  return compareKeys(itemKey(item), itemLength(item), key, length, depth + 8) > 0;
}
