import { compareKeys, copyBytes, partitionHash, putVarint, readVarint, varintEnd } from "./bytes";
import {
  addedRecords,
  addGroups,
  blockAfter,
  blockCount,
  blockValues,
  blockValuesEnd,
  firstBlock,
  groupCount,
  groupsEnd,
  groupsFullness,
  indexGroups,
  isLastBlock,
  packedBytes,
  resetGroups,
  slotsIn,
  stageBytes,
} from "./groups";
import { newKey, pieceHeader, putPiece, sameKey, sameKeyAgain, single } from "./pieces";
import { counterBytes, distribute, indexBytes, itemBytes, itemKey, itemLength, putItem, sortItems } from "./sort";

/**
 * Records in memory, in the form that suits them: grouped by key if keys repeat, one after another if they hardly do. A packed
 * record is a packed key and a packed value; each is its length as a varint, then its bytes.
 */

/** After this many records, or this part of the memory, it is decided whether keys repeat. */
const sampleRecords: u32 = 16_384;
const samplePart: usize = 8;

/** Keys hardly repeat if there are more than this many keys per record. */
const hardly: f64 = 0.7;

/** The part of the memory that the tables of groups get. */
const tablePart: f64 = 3.0 / 8.0;
const fewestSlots: u32 = 16;

const counters: usize = 64;
const stage: usize = counters + counterBytes;
/** The first address that the host may use. */
export const firstFree: usize = stage + stageBytes;

let base: usize = 0;
let limit: usize = 0;
let used: usize = 0;
/** Memory for what indexing takes besides the items. */
let reserve: usize = 0;
let isGrouped: bool = false;
let isSampled: bool = false;
let records: u32 = 0;
let groupsFrom: usize = 0;

/**
 * Begins with no records.
 * @param at the memory for records, `bytes` of it
 * @param partitions at most as many as `sort` is given
 * @param keysRepeat whether keys are known to repeat, so that the first records do not decide
 */
export function reset(at: usize, bytes: usize, partitions: u32, keysRepeat: bool): void {
  base = at;
  limit = at + bytes;
  used = at;
  reserve = 64 + 4 * (<usize>partitions + 1);
  records = 0;
  isGrouped = keysRepeat;
  isSampled = keysRepeat;
  if (keysRepeat) startGroups(at);
}

function startGroups(from: usize): void {
  const most = max(fewestSlots, slotsIn(<usize>(<f64>(limit - base) * tablePart)));
  const tables = (limit - <usize>most * 48) & ~15;
  groupsFrom = from;
  resetGroups(stage, from, tables - min(reserve, tables - from), tables, most);
}

/** The occupied part of the memory, 0 to 1. */
export function fullness(): f64 {
  if (isGrouped) return groupsFullness(groupsFrom);
  return <f64>(used - base + <usize>records * indexBytes + reserve) / <f64>(limit - base);
}

/** How many records the last call of `add` added. */
export let added: u32 = 0;

/**
 * Adds packed records.
 * @param count how many there are
 * @returns where it stopped: at `end`, or at a record for which there was no room
 */
export function add(at: usize, end: usize, count: u32): usize {
  if (isGrouped) {
    const stopped = addGroups(at, end);
    added = addedRecords;
    return stopped;
  }
  const stopped = addRecords(at, end, count);
  if (!isSampled && (records >= sampleRecords || used - base >= (limit - base) / samplePart)) sample();
  return stopped;
}

function addRecords(at: usize, end: usize, count: u32): usize {
  added = 0;
  let until = end;
  if (used + (end - at) + <usize>(records + count) * indexBytes + reserve <= limit) added = count;
  else {
    until = at;
    while (until < end) {
      const after = endOfRecord(until);
      if (used + (after - at) + <usize>(records + added + 1) * indexBytes + reserve > limit) break;
      until = after;
      added++;
    }
  }
  memory.copy(used, at, until - at);
  used += until - at;
  records += added;
  return until;
}

function endOfRecord(at: usize): usize {
  const length = <usize>readVarint(at);
  const valueLength = <usize>readVarint(varintEnd + length);
  return varintEnd + valueLength;
}

/** Groups the first records. Keeps the groups if keys repeat, or else the records. */
function sample(): void {
  isSampled = true;
  if (used + <usize>records * indexBytes + reserve > base + (limit - base) / 2) return;
  startGroups(used);
  if (addGroups(base, used) < used) return;
  isGrouped = <f64>groupCount() <= <f64>records * hardly;
}

/** What is sorted, and what of it has been encoded. */
let item: usize = 0;
let items: usize = 0;
let ends: usize = 0;
let itemsEnd: usize = 0;
/** In groups: the block to be encoded next, or 0 for the first one of the next key. */
let block: usize = 0;
let lastKey: usize = 0;
let lastLength: u32 = 0;
/** Bytes that have not been encoded: of the packed values if there are groups, or of packed records without the keys' lengths. */
let missing: i64 = 0;

/** Sorts by partition, then by key; the values of a key keep the order in which they were added. */
export function sort(partitions: u32): void {
  const count = isGrouped ? groupCount() : records;
  const index = ((isGrouped ? groupsEnd() : used) + 15) & ~15;
  const other = index + <usize>count * itemBytes;
  const parts = other + <usize>count * itemBytes;
  ends = parts + (<usize>count << 2);
  missing = 0;
  if (isGrouped) {
    indexGroups(index, parts, partitions);
    missing = <i64>packedBytes;
  } else indexRecords(index, parts, partitions);
  distribute(index, parts, count, partitions, other, ends);
  items = other;
  let start: u32 = 0;
  for (let partition: u32 = 0; partition < partitions; partition++) {
    const after = load<u32>(ends + (<usize>partition << 2));
    const from = <usize>start * itemBytes;
    sortItems(other + from, index + from, after - start, counters, 0, 0);
    start = after;
  }
}

function indexRecords(to: usize, parts: usize, partitions: u32): void {
  for (let at = base; at < used; to += itemBytes, parts += 4) {
    const length = <u32>readVarint(at);
    const key = varintEnd;
    putItem(to, key, length);
    store<u32>(parts, partitions == 1 ? 0 : partitionHash(key, length) % partitions);
    const valueLength = <usize>readVarint(key + length);
    at = varintEnd + valueLength;
    missing += <i64>(at - key);
  }
}

/** Whether everything that was added has been encoded, to the byte. */
export function isComplete(): bool {
  return missing == 0;
}

/** Begins to encode a partition of what has been sorted. */
export function startPartition(partition: u32): void {
  const start = partition == 0 ? 0 : load<u32>(ends + (<usize>(partition - 1) << 2));
  item = items + <usize>start * itemBytes;
  itemsEnd = items + <usize>load<u32>(ends + (<usize>partition << 2)) * itemBytes;
  block = 0;
  lastKey = 0;
}

/** How many records the last call of `encode` encoded, and the bytes that are missing for the next piece; 0 if none are. */
export let encodedRecords: u32 = 0;
export let missingBytes: u32 = 0;

/**
 * Writes the next pieces of a partition, in the format of segments.
 * @param enough stops once there are this many bytes
 * @returns where they end; `out` at the end of the partition, or if there is no room for a single piece, see `missingBytes`
 */
export function encode(out: usize, outEnd: usize, enough: u32): usize {
  encodedRecords = 0;
  missingBytes = 0;
  return isGrouped ? encodeGroups(out, outEnd, out + enough) : encodeRecords(out, outEnd, out + enough);
}

function encodeRecords(start: usize, outEnd: usize, stop: usize): usize {
  let out = start;
  while (item < itemsEnd && out < stop) {
    const key = itemKey(item);
    const length = itemLength(item);
    const valueLength = <u32>readVarint(key + length);
    const bytes = <u32>(varintEnd - key) + valueLength;
    if (out + pieceHeader + bytes > outEnd) {
      if (out == start) missingBytes = pieceHeader + bytes;
      break;
    }
    const isSame = lastKey != 0 && length == lastLength && compareKeys(key, length, lastKey, length, 0) == 0;
    if (isSame && out > start) {
      out = putVarint(out, sameKey | single);
      copyBytes(out, key + length, bytes - length);
      out += bytes - length;
    } else {
      out = putVarint(out, (<u64>length << 3) | (isSame ? sameKeyAgain : newKey) | single);
      copyBytes(out, key, bytes);
      out += bytes;
    }
    lastKey = key;
    lastLength = length;
    missing -= <i64>bytes;
    encodedRecords++;
    item += itemBytes;
  }
  return out;
}

function encodeGroups(start: usize, outEnd: usize, stop: usize): usize {
  let out = start;
  while (item < itemsEnd && out < stop) {
    const key = itemKey(item);
    const length = itemLength(item);
    const isContinued = block != 0;
    if (!isContinued) block = firstBlock(key, length);
    const values = blockValues(block);
    const valuesLength = <u32>(blockValuesEnd(block) - values);
    const count = blockCount(block);
    if (out + pieceHeader + length + valuesLength > outEnd) {
      if (out == start) missingBytes = pieceHeader + length + valuesLength;
      if (!isContinued) block = 0;
      break;
    }
    out = putPiece(out, out == start, isContinued, key, length, values, valuesLength, count);
    encodedRecords += count;
    missing -= <i64>valuesLength;
    if (isLastBlock(block, key, length)) {
      block = 0;
      item += itemBytes;
    } else block = blockAfter(block);
  }
  return out;
}
