import { compareKeys, copyBytes, firstBytes, partitionHash, putVarint, readVarint, varintEnd } from "./bytes";
import { indexBytes, itemBytes, putItem } from "./sort";

/**
 * Records grouped by key: an open-addressing hash table, and the values of each key in a chain of blocks.
 *
 * A slot has 32 bytes, so that a known short key touches one line of the processor's cache: 16 bytes of the key, padded with
 * zeros (of a longer key: its hash, and its address); the last block of its values; where the next value goes; the key's length
 * plus 1, or 0 for a free slot; and the number of values in the last block.
 *
 * A block starts with three words: the next block (of the last block: the first one), where the block ends (of a closed block:
 * where its values end), and the number of values in a closed block. Packed values follow: a varint length, then the bytes.
 */

const slotBytes: usize = 32;
const wordAt: usize = 8;
const addressAt: usize = 8;
const lastAt: usize = 16;
const writeAt: usize = 20;
const lengthAt: usize = 24;
const countAt: usize = 28;

const endAt: usize = 4;
const closedCountAt: usize = 8;
const blockHeader: usize = 12;

/** Longer keys are stored outside of the slot, after 4 bytes that point to the slot while the groups are sorted. */
const longestInSlot: u32 = 16;

/** Bytes for values in the first block of a key. Each further block is twice as large, up to the largest. */
const firstRoom: u32 = 12;
const largestRoom: u32 = 32 * 1024;

/** Records that are looked up together, so that the waits for their slots overlap. Each has 32 bytes in the stage. */
const stageRecords: usize = 64;
export const stageBytes: usize = stageRecords << 5;

let stage: usize = 0;
/** The region of the tables: one of `mostSlots`, then one of half as many. They take turns when the table grows. */
let tables: usize = 0;
let table: usize = 0;
let slots: u32 = 0;
let mostSlots: u32 = 0;
/** The free memory for keys and values. */
let free: usize = 0;
let freeEnd: usize = 0;
let keys: u32 = 0;
/** Bytes of all packed values. */
export let packedBytes: u64 = 0;
/** Random numbers, so that nobody can choose keys that collide. */
let seed: u64 = 0;
let factor: u64 = 0x9e3779b97f4a7c15;
/** Keeps reads that only fetch memory from being optimized away. */
export let fetched: u32 = 0;

export function setSeed(first: u64, second: u64): void {
  seed = first;
  factor = second | 1;
}

/** The most slots for which there is room in `bytes` of memory. */
export function slotsIn(bytes: usize): u32 {
  return <u32>(bytes / (slotBytes + slotBytes / 2));
}

/**
 * Begins with no groups.
 * @param stageAt memory for the stage
 * @param from the memory for keys, values and the index, up to `until`
 * @param tablesAt the memory of the tables
 * @param most slots, at least 16, and half as many, for which there is room in that memory
 */
export function resetGroups(stageAt: usize, from: usize, until: usize, tablesAt: usize, most: u32): void {
  stage = stageAt;
  free = from;
  freeEnd = until;
  tables = tablesAt;
  mostSlots = most;
  keys = 0;
  packedBytes = 0;
  let halvings: u32 = 0;
  while (most >> halvings > 2048) halvings++;
  useTable(halvings);
}

/** @param halvings the table has `mostSlots` slots, halved this often */
function useTable(halvings: u32): void {
  slots = mostSlots >> halvings;
  table = halvings & 1 ? tables + <usize>mostSlots * slotBytes : tables;
  memory.fill(table, 0, <usize>slots * slotBytes);
}

export function groupCount(): u32 {
  return keys;
}

/** Where the memory in use ends; the rest, up to the tables, is free. */
export function groupsEnd(): usize {
  return free;
}

/** The occupied part of the memory, 0 to 1. */
export function groupsFullness(from: usize): f64 {
  const occupied = <f64>(free - from + <usize>keys * indexBytes) / <f64>(freeEnd - from);
  return max(occupied, (<f64>keys * 5) / (<f64>mostSlots * 4));
}

/** The table's order is that of the hashes, whatever its size. */
@inline
function slotOf(hash: u64): usize {
  return table + <usize>(((hash >> 32) * <u64>slots) >> 32) * slotBytes;
}

@inline
function nextSlot(slot: usize): usize {
  const next = slot + slotBytes;
  return next == table + <usize>slots * slotBytes ? table : next;
}

@inline
function hashShort(first: u64, second: u64): u64 {
  const mixed = (first ^ seed ^ rotl<u64>(second * factor, 32)) * factor;
  return (mixed ^ (mixed >> 32)) * factor;
}

function hashLong(key: usize, length: u32): u64 {
  let hash = seed ^ (<u64>length * factor);
  let rest = length;
  for (; rest > 8; rest -= 8, key += 8) {
    hash = (hash ^ load<u64>(key)) * factor;
    hash ^= hash >> 32;
  }
  hash = (hash ^ firstBytes(load<u64>(key), rest)) * factor;
  return (hash ^ (hash >> 32)) * factor;
}

function growTable(): void {
  const old = table;
  const oldEnd = old + <usize>slots * slotBytes;
  let halvings: u32 = 0;
  while (mostSlots >> halvings > slots) halvings++;
  useTable(halvings - 1);
  for (let from = old; from < oldEnd; from += slotBytes) {
    const known = load<u32>(from, lengthAt);
    if (known == 0) continue;
    const isShort = known <= longestInSlot + 1;
    let to = slotOf(isShort ? hashShort(load<u64>(from), load<u64>(from, wordAt)) : load<u64>(from));
    while (load<u32>(to, lengthAt) != 0) to = nextSlot(to);
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  }
}

/** Appends a value to a slot's values. @returns false if memory is full */
@inline
function append(slot: usize, value: usize, length: u32): bool {
  const write = <usize>load<u32>(slot, writeAt);
  if (length >= 0x80 || write + length + 1 > <usize>load<u32>(<usize>load<u32>(slot, lastAt), endAt)) {
    return appendSlowly(slot, value, length);
  }
  store<u8>(write, <u8>length);
  copyBytes(write + 1, value, length);
  packedBytes += length + 1;
  store<u32>(slot, <u32>(write + 1 + length), writeAt);
  store<u32>(slot, load<u32>(slot, countAt) + 1, countAt);
  return true;
}

function appendSlowly(slot: usize, value: usize, length: u32): bool {
  let write = <usize>load<u32>(slot, writeAt);
  const last = <usize>load<u32>(slot, lastAt);
  const packed = length + 5;
  if (write + packed > <usize>load<u32>(last, endAt)) {
    const room = <u32>(<usize>load<u32>(last, endAt) - last - blockHeader);
    if (!openBlock(slot, max(packed, min(2 * room, largestRoom)))) return false;
    write = <usize>load<u32>(slot, writeAt);
  }
  const end = putVarint(write, length);
  copyBytes(end, value, length);
  packedBytes += end - write + length;
  store<u32>(slot, <u32>(end + length), writeAt);
  store<u32>(slot, load<u32>(slot, countAt) + 1, countAt);
  return true;
}

/** Adds an empty block to a slot. @param room bytes for values @returns false if memory is full */
function openBlock(slot: usize, room: u32): bool {
  const block = (free + 3) & ~3;
  const end = block + blockHeader + room;
  if (end + <usize>(keys + 1) * indexBytes > freeEnd) return false;
  const last = <usize>load<u32>(slot, lastAt);
  if (last == 0) store<u32>(block, <u32>block);
  else {
    store<u32>(block, load<u32>(last));
    store<u32>(last, <u32>block);
    closeLastBlock(slot);
  }
  store<u32>(block, <u32>end, endAt);
  store<u32>(slot, <u32>block, lastAt);
  store<u32>(slot, <u32>(block + blockHeader), writeAt);
  store<u32>(slot, 0, countAt);
  free = end;
  return true;
}

@inline
function closeLastBlock(slot: usize): void {
  const last = <usize>load<u32>(slot, lastAt);
  store<u32>(last, load<u32>(slot, writeAt), endAt);
  store<u32>(last, load<u32>(slot, countAt), closedCountAt);
}

@inline
function addShort(first: u64, second: u64, length: u32, value: usize, valueLength: u32): bool {
  let slot = slotOf(hashShort(first, second));
  for (let known = load<u32>(slot, lengthAt); known != 0; known = load<u32>(slot, lengthAt)) {
    if (known == length + 1 && load<u64>(slot) == first && load<u64>(slot, wordAt) == second) {
      return append(slot, value, valueLength);
    }
    slot = nextSlot(slot);
  }
  return addKey(slot, first, second, length, value, valueLength);
}

function addLong(key: usize, length: u32, value: usize, valueLength: u32): bool {
  const hash = hashLong(key, length);
  let slot = slotOf(hash);
  for (let known = load<u32>(slot, lengthAt); known != 0; known = load<u32>(slot, lengthAt)) {
    if (known == length + 1 && load<u64>(slot) == hash) {
      if (compareKeys(key, length, <usize>load<u32>(slot, addressAt), length, 0) == 0) {
        return append(slot, value, valueLength);
      }
    }
    slot = nextSlot(slot);
  }
  const before = free;
  const own = ((free + 3) & ~3) + 4;
  if (own + length + <usize>(keys + 1) * indexBytes > freeEnd) return false;
  copyBytes(own, key, length);
  free = own + length;
  if (addKey(slot, hash, <u64>own, length, value, valueLength)) return true;
  free = before;
  return false;
}

function addKey(slot: usize, first: u64, second: u64, length: u32, value: usize, valueLength: u32): bool {
  if (keys * 5 >= slots * 4) return false;
  store<u64>(slot, first);
  store<u64>(slot, second, wordAt);
  store<u64>(slot, 0, lastAt);
  if (!openBlock(slot, max(valueLength + 5, firstRoom))) return false;
  store<u32>(slot, length + 1, lengthAt);
  append(slot, value, valueLength);
  keys++;
  if (keys * 5 >= slots * 4 && slots < mostSlots) growTable();
  return true;
}

/** How many records the last call of `addGroups` added. */
export let addedRecords: u32 = 0;

/** Adds packed records. @returns where it stopped: at `end`, or at a record for which there was no room */
export function addGroups(at: usize, end: usize): usize {
  addedRecords = 0;
  while (at < end) {
    const stopped = addStaged(at, end);
    if (stopped != at) {
      if (stopped & isFull) return stopped & ~isFull;
      at = stopped;
      continue;
    }
    const length = <u32>readVarint(at);
    const key = varintEnd;
    const valueLength = <u32>readVarint(key + length);
    const value = varintEnd;
    assert(value + valueLength <= end);
    if (length > longestInSlot) {
      if (!addLong(key, length, value, valueLength)) return at;
    } else {
      const second = length > 8 ? firstBytes(load<u64>(key, wordAt), length - 8) : 0;
      if (!addShort(firstBytes(load<u64>(key), length), second, length, value, valueLength)) return at;
    }
    addedRecords++;
    at = value + valueLength;
  }
  return at;
}

/** In a returned address: memory is full. */
const isFull: usize = 0x8000_0000;

/**
 * Adds records with short keys and values until one is longer, at most as many as the stage holds.
 * @returns where the next record starts, plus `isFull`
 */
function addStaged(at: usize, end: usize): usize {
  const stageEnd = stage + stageBytes;
  let staged = stage;
  let fetch: u32 = 0;
  while (at < end && staged < stageEnd) {
    const length: u32 = load<u8>(at);
    if (length > longestInSlot) break;
    const valueLength: u32 = load<u8>(at + 1 + length);
    if (valueLength >= 0x80) break;
    const first = firstBytes(load<u64>(at, 1), length);
    const second = length > 8 ? firstBytes(load<u64>(at, 9), length - 8) : 0;
    store<u64>(staged, first);
    store<u64>(staged, second, 8);
    store<u32>(staged, <u32>at, 16);
    const slot = slotOf(hashShort(first, second));
    store<u32>(staged, <u32>slot, 20);
    fetch ^= load<u32>(slot, writeAt);
    at += 2 + length + valueLength;
    staged += 32;
  }
  assert(at <= end);
  for (let record = stage; record < staged; record += 32) {
    fetch ^= <u32>load<u8>(<usize>load<u32>(<usize>load<u32>(record, 20), writeAt));
  }
  fetched = fetch;
  for (let record = stage; record < staged; record += 32) {
    const start = <usize>load<u32>(record, 16);
    const length: u32 = load<u8>(start);
    const value = start + 2 + length;
    const valueLength: u32 = load<u8>(value - 1);
    if (!addShort(load<u64>(record), load<u64>(record, 8), length, value, valueLength)) return start | isFull;
    addedRecords++;
  }
  return at;
}

/** Writes an index of the groups, and the partition of each. The groups must not change any more. */
export function indexGroups(items: usize, parts: usize, partitions: u32): void {
  for (let slot = table, end = table + <usize>slots * slotBytes; slot < end; slot += slotBytes) {
    const known = load<u32>(slot, lengthAt);
    if (known == 0) continue;
    closeLastBlock(slot);
    const length = known - 1;
    let key = slot;
    if (length > longestInSlot) {
      key = <usize>load<u32>(slot, addressAt);
      store<u32>(key - 4, <u32>slot);
    }
    putItem(items, key, length);
    items += itemBytes;
    store<u32>(parts, partitions == 1 ? 0 : partitionHash(key, length) % partitions);
    parts += 4;
  }
}

/** The first block of an indexed key's values. */
export function firstBlock(key: usize, length: u32): usize {
  const slot = length > longestInSlot ? <usize>load<u32>(key - 4) : key;
  return <usize>load<u32>(<usize>load<u32>(slot, lastAt));
}

/** Whether a block is the last one of an indexed key. */
export function isLastBlock(block: usize, key: usize, length: u32): bool {
  const slot = length > longestInSlot ? <usize>load<u32>(key - 4) : key;
  return block == <usize>load<u32>(slot, lastAt);
}

@inline
export function blockAfter(block: usize): usize {
  return <usize>load<u32>(block);
}

@inline
export function blockValues(block: usize): usize {
  return block + blockHeader;
}

@inline
export function blockValuesEnd(block: usize): usize {
  return <usize>load<u32>(block, endAt);
}

@inline
export function blockCount(block: usize): u32 {
  return load<u32>(block, closedCountAt);
}
