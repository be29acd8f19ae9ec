import { addsUp, isNumeric, list, setAggregate, total } from "./aggregate";
import { compareKeys, copyBytes, keepFetched, putVarint, readVarint, varintBytes, varintEnd } from "./bytes";
import {
  addedRecords,
  addGroups,
  groupCount,
  groupsFullness,
  indexGroups,
  numberOf,
  resetGroups,
  slotOfKey,
  slotsIn,
  stageBytes,
} from "./groups";
import { longestNumber, putNumber } from "./numbers";
import { newKey, pieceHeader, putPiece, putRepeatedPiece, sameKey, sameKeyAgain, single } from "./pieces";
import { lastEntry, packAndIndexLines, packedRecords } from "./pack-lines";
import {
  counterBytes,
  distribute,
  entryBytes,
  indexBytes,
  itemBytes,
  itemKey,
  itemLength,
  putEntry,
  sortItems,
} from "./sort";
import {
  blockAfter,
  blockCount,
  blockValues,
  blockValuesEnd,
  free,
  hasRun,
  isRepeated,
  lastBlockOf,
  packedBytes,
  putRunValue,
  resetValues,
  runCount,
} from "./values";

/**
 * Records in memory, in the form that suits them: grouped by key if keys repeat, one after another if they hardly do. A packed
 * record is a packed key and a packed value; each is its length as a varint, then its bytes.
 */

/** After this many records, or this part of the memory, it is decided whether keys repeat. */
const sampleRecords: u32 = 16_384;
const samplePart: usize = 8;

/** Keys hardly repeat if there are more than this many keys per record. */
const hardly: f64 = 0.7;

/** The part of the memory that the tables of groups get; with numbers in the slots, other memory is needed for long keys only. */
const tablePart: f64 = 3.0 / 8.0;
const numericTablePart: f64 = 1.0 / 2.0;
const fewestSlots: u32 = 16;

const counters: usize = 64;
const stage: usize = counters + counterBytes;
/** The first address that the host may use. */
export const firstFree: usize = stage + stageBytes;

/** How many records are read ahead of being encoded, and how many bytes of each at most. */
const fetchedRecords: usize = 32;
const mostFetched: usize = 256;
const cacheLine: usize = 64;

/** The most bytes that a piece has of values that are all the same. */
const largestRun: u32 = 32 * 1024;

let base: usize = 0;
let limit: usize = 0;
let used: usize = 0;
/** Memory for what indexing takes besides the entries and items. */
let reserve: usize = 0;
let partitions: u32 = 1;
let isGrouped: bool = false;
let isSampled: bool = false;
/** How many records there are, one after another. */
let records: u32 = 0;
/** Where the entries of records end, and begin so far. */
let top: usize = 0;
let bottom: usize = 0;
/** Where the entries of groups will end. */
let groupsTop: usize = 0;

/**
 * Begins with no records.
 * @param at the memory for records, `bytes` of it
 * @param partitionCount at least 1
 * @param keysRepeat whether keys are known to repeat, so that the first records do not decide
 * @param aggregate what becomes of the values of a key. But for `list`, the records are always grouped.
 */
export function reset(at: usize, bytes: usize, partitionCount: u32, keysRepeat: bool, aggregate: u32): void {
  setAggregate(aggregate, false);
  base = at;
  limit = at + bytes;
  used = at;
  partitions = partitionCount;
  reserve = 64 + 4 * (<usize>partitions + 1);
  records = 0;
  top = (limit - 16) & ~15;
  bottom = top;
  isGrouped = keysRepeat || aggregate != list;
  isSampled = isGrouped;
  if (isGrouped) startGroups(at, limit);
}

function startGroups(from: usize, until: usize): void {
  const part = isNumeric ? numericTablePart : tablePart;
  const most = max(fewestSlots, slotsIn(<usize>(<f64>(limit - base) * part)));
  groupsTop = (until - <usize>most * 48) & ~15;
  resetValues(from, groupsTop - min(reserve, groupsTop - from));
  resetGroups(stage, groupsTop, most);
}

/** The occupied part of the memory, 0 to 1. */
export function fullness(): f64 {
  if (isGrouped) return groupsFullness();
  return <f64>(used - base + <usize>records * indexBytes + reserve) / <f64>(limit - base);
}

/** How many records the last call of `add` added. */
export let added: u32 = 0;

/**
 * Adds packed records.
 * @param count how many there are
 * @returns where it stopped: at `end`, or at a record for which there was no room, or that is no good for the aggregate, see `failure`
 */
export function add(at: usize, end: usize, count: u32): usize {
  if (isGrouped) {
    const stopped = addGroups(at, end);
    added = addedRecords;
    return stopped;
  }
  const stopped = addRecords(at, end, count);
  sampleInTime();
  return stopped;
}

/**
 * Adds whole lines `key TAB value`.
 * @returns whether it has, see `packedRecords`; otherwise they must be packed and added as records
 */
export function addLines(from: usize, to: usize): bool {
  // A line of one byte becomes a record of two bytes.
  const most = (to - from) * (2 + indexBytes);
  if (isGrouped || used + most + <usize>records * indexBytes + reserve > limit) return false;
  used = packAndIndexLines(from, to, used, bottom, partitions);
  bottom = lastEntry;
  records += packedRecords;
  sampleInTime();
  return true;
}

function sampleInTime(): void {
  if (!isSampled && (records >= sampleRecords || used - base >= (limit - base) / samplePart)) sample();
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
  appendRecords(used + (until - at), added);
  return until;
}

/** Indexes packed records that have been written to `used`, up to `end`. */
function appendRecords(end: usize, count: u32): void {
  let entry = bottom;
  for (let at = used; at < end; ) {
    const length = <u32>readVarint(at);
    const key = varintEnd;
    entry -= entryBytes;
    putEntry(entry, key, length, partitions);
    const valueLength = <usize>readVarint(key + length);
    at = varintEnd + valueLength;
  }
  bottom = entry;
  used = end;
  records += count;
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
  startGroups(used, bottom);
  if (addGroups(base, used) < used) return;
  isGrouped = <f64>groupCount() <= <f64>records * hardly;
}

/** What is sorted, and what of it has been encoded. */
let item: usize = 0;
let items: usize = 0;
let ends: usize = 0;
let itemsEnd: usize = 0;
/** In groups: the block to be encoded next, or 0 for the first one of the next key; and how often its value has been, if it repeats. */
let block: usize = 0;
let repeated: u32 = 0;
let lastKey: usize = 0;
let lastLength: u32 = 0;
/**
 * What has not been encoded: the sum of the numbers with an aggregate that adds them up; or else bytes, of the packed values if there
 * are groups, or of packed records.
 */
let missing: i64 = 0;

/** Sorts by partition, then by key; the values of a key keep the order in which they were added. */
export function sort(): void {
  const count = isGrouped ? groupCount() : records;
  missing = <i64>(used - base);
  if (isGrouped) {
    top = groupsTop;
    indexGroups(top, partitions);
    if (isNumeric) missing = addsUp() ? total : 0;
    else missing = <i64>packedBytes;
  }
  items = ((isGrouped ? free : used) + 15) & ~15;
  ends = items + <usize>count * itemBytes;
  distribute(top, count, partitions, items, ends);
  const spare = (top - <usize>count * entryBytes) & ~15;
  let start: u32 = 0;
  for (let partition: u32 = 0; partition < partitions; partition++) {
    const after = load<u32>(ends + (<usize>partition << 2));
    const from = <usize>start * itemBytes;
    sortItems(items + from, spare + from, after - start, counters, 0, 0);
    start = after;
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
  repeated = 0;
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
  if (isNumeric) return encodeNumbers(out, outEnd, out + enough);
  return isGrouped ? encodeGroups(out, outEnd, out + enough) : encodeRecords(out, outEnd, out + enough);
}

function encodeRecords(start: usize, outEnd: usize, stop: usize): usize {
  let out = start;
  let fetchedTo = item;
  while (item < itemsEnd && out < stop) {
    if (item == fetchedTo) fetchedTo = fetchRecords(item);
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
    missing -= <i64>(bytes + varintBytes(length));
    encodedRecords++;
    item += itemBytes;
  }
  return out;
}

/** Reads from the next records, so that the waits for their memory overlap. @returns the item up to which it has done so */
function fetchRecords(from: usize): usize {
  const to = min(from + fetchedRecords * itemBytes, itemsEnd);
  const bytes = min((used - base) / <usize>records, mostFetched);
  let read: u32 = 0;
  for (let next = from; next < to; next += itemBytes) {
    const key = itemKey(next);
    const last = min(key + bytes, used - 1);
    for (let at = key; at < last; at += cacheLine) read ^= load<u8>(at);
    read ^= load<u8>(last);
  }
  keepFetched(read);
  return to;
}

/** Likewise, for groups: from their slots, then from their first and last blocks. */
function fetchGroups(from: usize): usize {
  const to = min(from + fetchedRecords * itemBytes, itemsEnd);
  let read: u32 = 0;
  for (let next = from; next < to; next += itemBytes) {
    read ^= <u32>lastBlockOf(slotOfKey(itemKey(next), itemLength(next)));
  }
  for (let next = from; next < to; next += itemBytes) {
    const slot = slotOfKey(itemKey(next), itemLength(next));
    if (!hasRun(slot)) read ^= <u32>blockAfter(lastBlockOf(slot));
  }
  keepFetched(read);
  return to;
}

/** Likewise, for groups with a number. */
function fetchNumbers(from: usize): usize {
  const to = min(from + fetchedRecords * itemBytes, itemsEnd);
  let read: u32 = 0;
  for (let next = from; next < to; next += itemBytes) read ^= <u32>numberOf(itemKey(next), itemLength(next));
  keepFetched(read);
  return to;
}

function encodeGroups(start: usize, outEnd: usize, stop: usize): usize {
  let out = start;
  let fetchedTo = item;
  while (item < itemsEnd && out < stop) {
    if (item == fetchedTo) fetchedTo = fetchGroups(item);
    const key = itemKey(item);
    const length = itemLength(item);
    const slot = slotOfKey(key, length);
    const isContinued = block != 0 || repeated != 0;
    let last: usize = 0;
    // The stage is not in use here.
    let values = stage;
    let bytes: u32 = 0;
    let count: u32 = 0;
    if (hasRun(slot)) {
      bytes = <u32>(putRunValue(stage, slot) - stage);
      count = runCount(slot) | isRepeated;
    } else {
      last = lastBlockOf(slot);
      // The last block points to the first one.
      if (block == 0) block = blockAfter(last);
      values = blockValues(block);
      bytes = <u32>(blockValuesEnd(block) - values);
      count = blockCount(block);
    }
    const isRun = (count & isRepeated) != 0;
    const left = isRun ? (count & ~isRepeated) - repeated : count;
    const now = isRun ? min(left, largestRun / bytes) : count;
    const all = isRun ? now * bytes : bytes;
    if (out + pieceHeader + length + all > outEnd) {
      if (out == start) missingBytes = pieceHeader + length + all;
      if (!isContinued) block = 0;
      break;
    }
    if (isRun) out = putRepeatedPiece(out, out == start, isContinued, key, length, values, bytes, now);
    else out = putPiece(out, out == start, isContinued, key, length, values, bytes, now);
    encodedRecords += now;
    missing -= <i64>all;
    if (now < left) {
      repeated += now;
      continue;
    }
    repeated = 0;
    if (block == last) {
      block = 0;
      item += itemBytes;
    } else block = blockAfter(block);
  }
  return out;
}

function encodeNumbers(start: usize, outEnd: usize, stop: usize): usize {
  let out = start;
  let fetchedTo = item;
  while (item < itemsEnd && out < stop) {
    if (item == fetchedTo) fetchedTo = fetchNumbers(item);
    const key = itemKey(item);
    const length = itemLength(item);
    if (out + pieceHeader + length + longestNumber + 1 > outEnd) {
      if (out == start) missingBytes = pieceHeader + length + longestNumber + 1;
      break;
    }
    const number = numberOf(key, length);
    // The stage is not in use here.
    const bytes = <u32>(putNumber(stage + 1, number) - stage);
    store<u8>(stage, <u8>(bytes - 1));
    out = putPiece(out, out == start, false, key, length, stage, bytes, 1);
    if (addsUp()) missing -= number;
    encodedRecords++;
    item += itemBytes;
  }
  return out;
}
