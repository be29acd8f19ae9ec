import { aggregate, failure, isNumeric, keepsFirst, take, uniq } from "./aggregate";
import { compareKeys, firstBytes, keepFetched, readVarint, varintEnd } from "./bytes";
import { entryBytes, indexBytes, putEntry } from "./sort";
import {
  append,
  claim,
  closeLastBlock,
  free,
  hasRun,
  startValues,
  storeKey,
  tagAt,
  tagMask,
  unclaim,
  unstoreKey,
  valuesFullness,
  writeOf,
} from "./values";

/**
 * Records grouped by key in an open-addressing hash table.
 *
 * A slot has 32 bytes, so that a known short key touches one line of the processor's cache: 16 bytes of the key, padded with
 * zeros (of a longer key: its hash, and its address), and 16 bytes that say where its values are; see `values.ts`. They begin with
 * its number if there is a numeric aggregate. The low bits of the tag are 0 in a free slot; else the length of a short key plus 1,
 * or `isLong`.
 */

const slotBytes: usize = 32;
const addressAt: usize = 8;
const numberAt: usize = 16;

/** Longer keys are stored outside of the slot, after their length and 4 bytes that point to the slot while the groups are sorted. */
const longestInSlot: u32 = 16;
const isLong: u32 = longestInSlot + 2;
const keyHeader: usize = 8;
const ownLengthAt: usize = 8;
const ownSlotAt: usize = 4;

/** Records that are looked up together, so that the waits for their slots overlap. Each has 32 bytes in the stage. */
const stageRecords: usize = 128;
const stagedBytes: usize = 32;
const stagedStartAt: usize = 16;
const stagedSlotAt: usize = 20;

/** For each length of a short key, 16 bytes whose bits say which bytes belong to the key. */
const maskBytes: usize = (<usize>longestInSlot + 1) << 4;

/** Memory for the staged records and for the masks. */
export const stageBytes: usize = stageRecords * stagedBytes + maskBytes;

let stage: usize = 0;
let masks: usize = 0;
/** The region of the tables: one of `mostSlots`, then one of half as many. They take turns when the table grows. */
let tables: usize = 0;
let table: usize = 0;
let slots: u32 = 0;
let mostSlots: u32 = 0;
let keys: u32 = 0;
/** Random numbers, so that nobody can choose keys that collide. */
let firstFactor: u64 = 0x9e3779b97f4a7c15;
let secondFactor: u64 = 0xc2b2ae3d27d4eb4f;

export function setSeed(first: u64, second: u64): void {
  firstFactor = first | 1;
  secondFactor = second | 1;
}

/** The most slots for which there is room in `bytes` of memory. */
export function slotsIn(bytes: usize): u32 {
  return <u32>(bytes / (slotBytes + slotBytes / 2));
}

/**
 * Begins with no groups.
 * @param stageAt memory for the stage
 * @param tablesAt the memory of the tables
 * @param most slots, at least 16, and half as many, for which there is room in that memory
 */
export function resetGroups(stageAt: usize, tablesAt: usize, most: u32): void {
  stage = stageAt;
  masks = stageAt + stageRecords * stagedBytes;
  for (let length: u32 = 0; length <= longestInSlot; length++) {
    const mask = masks + (<usize>length << 4);
    memory.fill(mask, 0, 16);
    memory.fill(mask, 0xff, length);
  }
  tables = tablesAt;
  mostSlots = most;
  keys = 0;
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

/** The occupied part of the memory, 0 to 1. */
export function groupsFullness(): f64 {
  return max(valuesFullness(), (<f64>keys * 5) / (<f64>mostSlots * 4));
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

/** Multiply-shift, whose high bits collide rarely whatever the keys are (Dietzfelbinger et al., 1997). */
@inline
function hashShort(key: v128): u64 {
  return i64x2.extract_lane(key, 0) * firstFactor + i64x2.extract_lane(key, 1) * secondFactor;
}

function hashLong(key: usize, length: u32): u64 {
  let hash = secondFactor ^ (<u64>length * firstFactor);
  let rest = length;
  for (; rest > 8; rest -= 8, key += 8) {
    hash = (hash ^ load<u64>(key)) * firstFactor;
    hash ^= hash >> 32;
  }
  hash = (hash ^ firstBytes(load<u64>(key), rest)) * firstFactor;
  return (hash ^ (hash >> 32)) * firstFactor;
}

function growTable(): void {
  const old = table;
  const oldEnd = old + <usize>slots * slotBytes;
  let halvings: u32 = 0;
  while (mostSlots >> halvings > slots) halvings++;
  useTable(halvings - 1);
  for (let from = old; from < oldEnd; from += slotBytes) {
    const tag = load<u32>(from, tagAt);
    if (tag == 0) continue;
    let to = slotOf((tag & tagMask) == isLong ? load<u64>(from) : hashShort(v128.load(from)));
    while (load<u32>(to, tagAt) != 0) to = nextSlot(to);
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  }
}

/** Adds a value to those of a known key. @returns false if memory is full, or with a `failure` */
@inline
function addValue(slot: usize, value: usize, length: u32): bool {
  if (isNumeric) {
    store<i64>(slot, take(load<i64>(slot, numberAt), false, value, length), numberAt);
    return failure == 0;
  }
  return keepsFirst || append(slot, value, length);
}

/** @param slot where to look for the key first */
@inline
function addShort(slot: usize, key: v128, length: u32, value: usize, valueLength: u32): bool {
  let tag = load<u32>(slot, tagAt);
  while (tag != 0) {
    // One branch, which is hardly ever mispredicted.
    if (!(((tag & tagMask) ^ (length + 1)) | u32(v128.any_true(v128.xor(v128.load(slot), key))))) {
      return addValue(slot, value, valueLength);
    }
    slot = nextSlot(slot);
    tag = load<u32>(slot, tagAt);
  }
  return addKey(slot, key, length + 1, value, valueLength);
}

function addLong(key: usize, length: u32, value: usize, valueLength: u32): bool {
  const hash = hashLong(key, length);
  let slot = slotOf(hash);
  for (let tag = load<u32>(slot, tagAt); tag != 0; tag = load<u32>(slot, tagAt)) {
    if ((tag & tagMask) == isLong && load<u64>(slot) == hash) {
      const known = <usize>load<u32>(slot, addressAt);
      if (compareKeys(key, length, known, load<u32>(known - ownLengthAt), 0) == 0) {
        return addValue(slot, value, valueLength);
      }
    }
    slot = nextSlot(slot);
  }
  const before = free;
  const own = storeKey(key, length, keyHeader);
  if (own == 0) return false;
  store<u32>(own - ownLengthAt, length);
  const words = i64x2.replace_lane(i64x2.splat(<i64>hash), 1, <i64>own);
  if (addKey(slot, words, isLong, value, valueLength)) return true;
  unstoreKey(before);
  return false;
}

function addKey(slot: usize, words: v128, tag: u32, value: usize, valueLength: u32): bool {
  if (keys * 5 >= slots * 4 || !claim(indexBytes)) return false;
  v128.store(slot, words);
  if (!addFirstValue(slot, value, valueLength)) {
    unclaim(indexBytes);
    return false;
  }
  store<u32>(slot, load<u32>(slot, tagAt) | tag, tagAt);
  keys++;
  if (keys * 5 >= slots * 4 && slots < mostSlots) growTable();
  return true;
}

@inline
function addFirstValue(slot: usize, value: usize, length: u32): bool {
  if (isNumeric) {
    store<i64>(slot, take(0, true, value, length), numberAt);
    return failure == 0;
  }
  return startValues(slot, value, aggregate == uniq ? 0 : length);
}

/** How many records the last call of `addGroups` added. */
export let addedRecords: u32 = 0;

/** Adds packed records. @returns where it stopped: at `end`, or at a record for which there was no room, or with a `failure` */
export function addGroups(at: usize, end: usize): usize {
  addedRecords = 0;
  while (at < end) {
    const stopped = addStaged(at, end);
    if (stopped != at) {
      if (stopped & isLeft) return stopped & ~isLeft;
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
      const words = keyWords(key, length);
      if (!addShort(slotOf(hashShort(words)), words, length, value, valueLength)) return at;
    }
    addedRecords++;
    at = value + valueLength;
  }
  return at;
}

/** A short key, padded with zeros. */
@inline
function keyWords(key: usize, length: u32): v128 {
  return v128.and(v128.load(key), v128.load(masks + (<usize>length << 4)));
}

/** In a returned address: the record there was not added. */
const isLeft: usize = 0x8000_0000;

/**
 * Adds records with short keys and values until one is longer, at most as many as the stage holds.
 * @returns where the next record starts, plus `isLeft`
 */
function addStaged(at: usize, end: usize): usize {
  const stageEnd = stage + stageRecords * stagedBytes;
  let staged = stage;
  while (at < end && staged < stageEnd) {
    const length: u32 = load<u8>(at);
    if (length > longestInSlot) break;
    const valueLength: u32 = load<u8>(at + 1 + length);
    if (valueLength >= 0x80) break;
    const words = keyWords(at + 1, length);
    v128.store(staged, words);
    store<u32>(staged, <u32>at, stagedStartAt);
    store<u32>(staged, <u32>slotOf(hashShort(words)), stagedSlotAt);
    at += 2 + length + valueLength;
    staged += stagedBytes;
  }
  assert(at <= end);
  let fetch: u32 = 0;
  for (let record = stage; record < staged; record += stagedBytes) {
    fetch ^= load<u32>(<usize>load<u32>(record, stagedSlotAt), tagAt);
  }
  if (!isNumeric) {
    for (let record = stage; record < staged; record += stagedBytes) {
      fetch ^= <u32>load<u8>(writeOf(<usize>load<u32>(record, stagedSlotAt)));
    }
  }
  keepFetched(fetch);
  const stagedTable = table;
  for (let record = stage; record < staged; record += stagedBytes) {
    const start = <usize>load<u32>(record, stagedStartAt);
    const length: u32 = load<u8>(start);
    const value = start + 2 + length;
    const valueLength: u32 = load<u8>(value - 1);
    const words = v128.load(record);
    // The table may have grown meanwhile.
    const slot = table == stagedTable ? <usize>load<u32>(record, stagedSlotAt) : slotOf(hashShort(words));
    if (!addShort(slot, words, length, value, valueLength)) {
      addedRecords += <u32>((record - stage) / stagedBytes);
      return start | isLeft;
    }
  }
  addedRecords += <u32>((staged - stage) / stagedBytes);
  return at;
}

/** Writes the entries of an index of the groups, below `top`. The groups must not change any more. */
export function indexGroups(top: usize, partitions: u32): void {
  let entry = top;
  for (let slot = table, end = table + <usize>slots * slotBytes; slot < end; slot += slotBytes) {
    const tag = load<u32>(slot, tagAt);
    if (tag == 0) continue;
    if (!isNumeric && !hasRun(slot)) closeLastBlock(slot);
    let key = slot;
    let length = (tag & tagMask) - 1;
    if ((tag & tagMask) == isLong) {
      key = <usize>load<u32>(slot, addressAt);
      length = load<u32>(key - ownLengthAt);
      store<u32>(key - ownSlotAt, <u32>slot);
    }
    entry -= entryBytes;
    putEntry(entry, key, length, partitions);
  }
}

/** The slot of an indexed key. */
@inline
export function slotOfKey(key: usize, length: u32): usize {
  return length > longestInSlot ? <usize>load<u32>(key - ownSlotAt) : key;
}

/** What the values of an indexed key have come to. */
@inline
export function numberOf(key: usize, length: u32): i64 {
  return load<i64>(slotOfKey(key, length), numberAt);
}
