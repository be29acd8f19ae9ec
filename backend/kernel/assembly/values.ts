import { copyBytes, firstBytes, putVarint } from "./bytes";

/**
 * The values of keys, each key's in a chain of blocks, and the memory that they share with long keys and the index.
 *
 * A block starts with three words: the next block (of the last block: the first one), where the block ends (of a closed block:
 * where its values end), and the number of values in a closed block. Packed values follow: a varint length, then the bytes. A block
 * whose count has `isRepeated` has a single value, which stands for as many.
 *
 * The slot of a key says which block is its last one, where the next value goes, in the high bits of its tag how much room there is
 * for it, and how many values the last block has.
 *
 * Short values that are all the same, as of a word count, need no block, so that one more of them touches nothing but the slot. It
 * has the value in place of the addresses, its length in the tag, together with `isRun`, and the number of values. They get a block
 * when another value comes.
 */

const lastAt: usize = 16;
const writeAt: usize = 20;
export const tagAt: usize = 24;
const countAt: usize = 28;

/** The low bits of a tag belong to the key. */
const tagBits: u32 = 5;
export const tagMask: u32 = (1 << tagBits) - 1;
const isRun: u32 = 0x8000_0000;
const mostRoom: usize = (1 << (31 - tagBits)) - 1;

const longestInRun: u32 = 8;
/** Added to the number of values of a block. */
export const isRepeated: u32 = 0x8000_0000;
const mostRepeated: u32 = isRepeated - 1;

const endAt: usize = 4;
const closedCountAt: usize = 8;
const blockHeader: usize = 12;

/** Bytes for values in the first block of a key. Each further block is twice as large, up to the largest. */
const firstRoom: u32 = 12;
const largestRoom: u32 = 32 * 1024;

let start: usize = 0;
let end: usize = 0;
/** The free memory is `[free, freeEnd)`. */
export let free: usize = 0;
let freeEnd: usize = 0;
/** Bytes of all packed values. */
export let packedBytes: u64 = 0;

/** Begins without values. */
export function resetValues(from: usize, until: usize): void {
  start = from;
  end = until;
  free = from;
  freeEnd = until;
  packedBytes = 0;
}

/** The occupied part of the memory, 0 to 1. */
export function valuesFullness(): f64 {
  return <f64>(free - start + end - freeEnd) / <f64>(end - start);
}

/** Takes memory that is used later, behind the free memory. @returns false if there is none */
@inline
export function claim(bytes: usize): bool {
  if (free + bytes > freeEnd) return false;
  freeEnd -= bytes;
  return true;
}

/** Gives back what was claimed last. */
@inline
export function unclaim(bytes: usize): void {
  freeEnd += bytes;
}

/** Stores a key behind a header, in whose words nothing is written yet. @returns where the key is, or 0 if memory is full */
export function storeKey(key: usize, length: u32, header: usize): usize {
  const own = ((free + 3) & ~3) + header;
  if (own + length > freeEnd) return 0;
  copyBytes(own, key, length);
  free = own + length;
  return own;
}

/** Removes the key that was stored last. */
export function unstoreKey(before: usize): void {
  free = before;
}

/** Stores the first value of a key, in whose tag nothing is written yet. @returns false if memory is full */
@inline
export function startValues(slot: usize, value: usize, length: u32): bool {
  if (length > longestInRun) {
    store<u64>(slot, 0, lastAt);
    return openBlock(slot, length + 5) && append(slot, value, length);
  }
  store<u64>(slot, firstBytes(load<u64>(value), length), lastAt);
  store<u32>(slot, isRun | (length << tagBits), tagAt);
  store<u32>(slot, 1, countAt);
  packedBytes += length + 1;
  return true;
}

/** Appends a value to a slot's values. @returns false if memory is full */
@inline
export function append(slot: usize, value: usize, length: u32): bool {
  const tag = load<u32>(slot, tagAt);
  if (!(tag & isRun)) return appendToBlock(slot, tag, value, length);
  const before = load<u32>(slot, countAt);
  if (length != runLength(tag) || firstBytes(load<u64>(value), length) != load<u64>(slot, lastAt) || before == mostRepeated) {
    return endRun(slot, tag, before) && appendToBlock(slot, load<u32>(slot, tagAt), value, length);
  }
  store<u32>(slot, before + 1, countAt);
  packedBytes += length + 1;
  return true;
}

@inline
function runLength(tag: u32): u32 {
  return (tag & ~isRun) >> tagBits;
}

/** Moves the values of a run to a block. @returns false if memory is full; then nothing has changed */
function endRun(slot: usize, tag: u32, count: u32): bool {
  const word = load<u64>(slot, lastAt);
  store<u64>(slot, 0, lastAt);
  if (!openBlock(slot, firstRoom)) {
    store<u64>(slot, word, lastAt);
    return false;
  }
  const write = <usize>load<u32>(slot, writeAt);
  store<u64>(write + 1, word);
  const after = putRunHeader(write, tag);
  store<u32>(slot, <u32>after, writeAt);
  store<u32>(slot, count == 1 ? 1 : count | isRepeated, countAt);
  if (count == 1) putRoom(slot, firstRoom - (after - write));
  else {
    // Nothing else may follow in the same block.
    store<u32>(<usize>load<u32>(slot, lastAt), <u32>after, endAt);
    putRoom(slot, 0);
  }
  return true;
}

@inline
function appendToBlock(slot: usize, tag: u32, value: usize, length: u32): bool {
  if (length >= 0x80 || length >= tag >> tagBits) return appendSlowly(slot, value, length);
  const write = <usize>load<u32>(slot, writeAt);
  store<u32>(slot, tag - ((length + 1) << tagBits), tagAt);
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
    if (!openBlock(slot, max(packed, min(max(2 * room, firstRoom), largestRoom)))) return false;
    write = <usize>load<u32>(slot, writeAt);
  }
  const after = putVarint(write, length);
  copyBytes(after, value, length);
  packedBytes += after - write + length;
  store<u32>(slot, <u32>(after + length), writeAt);
  store<u32>(slot, load<u32>(slot, countAt) + 1, countAt);
  putRoom(slot, <usize>load<u32>(<usize>load<u32>(slot, lastAt), endAt) - after - length);
  return true;
}

@inline
function putRoom(slot: usize, room: usize): void {
  store<u32>(slot, (load<u32>(slot, tagAt) & tagMask) | (<u32>min(room, mostRoom) << tagBits), tagAt);
}

/** Writes the length of a run's value. @returns where the value ends that follows */
@inline
function putRunHeader(at: usize, tag: u32): usize {
  store<u8>(at, <u8>runLength(tag));
  return at + 1 + runLength(tag);
}

/** Whether a slot's values are all the same and in no block. */
@inline
export function hasRun(slot: usize): bool {
  return (load<u32>(slot, tagAt) & isRun) != 0;
}

/** Writes the value of a slot with a run, packed, for which there must be room for 9 bytes. @returns where it ends */
@inline
export function putRunValue(at: usize, slot: usize): usize {
  store<u64>(at + 1, load<u64>(slot, lastAt));
  return putRunHeader(at, load<u32>(slot, tagAt));
}

/** How often that value comes. */
@inline
export function runCount(slot: usize): u32 {
  return load<u32>(slot, countAt);
}

/** Adds an empty block to a slot. @param room bytes for values @returns false if memory is full */
function openBlock(slot: usize, room: u32): bool {
  const block = (free + 3) & ~3;
  const after = block + blockHeader + room;
  if (after > freeEnd) return false;
  const last = <usize>load<u32>(slot, lastAt);
  if (last == 0) store<u32>(block, <u32>block);
  else {
    store<u32>(block, load<u32>(last));
    store<u32>(last, <u32>block);
    closeLastBlock(slot);
  }
  store<u32>(block, <u32>after, endAt);
  store<u32>(slot, <u32>block, lastAt);
  store<u32>(slot, <u32>(block + blockHeader), writeAt);
  store<u32>(slot, 0, countAt);
  putRoom(slot, room);
  free = after;
  return true;
}

@inline
export function closeLastBlock(slot: usize): void {
  const last = <usize>load<u32>(slot, lastAt);
  store<u32>(last, load<u32>(slot, writeAt), endAt);
  store<u32>(last, load<u32>(slot, countAt), closedCountAt);
}

/** The last block of a slot without a run. */
@inline
export function lastBlockOf(slot: usize): usize {
  return <usize>load<u32>(slot, lastAt);
}

/** Where a slot's next value will be written: in its last block, or with a run, in itself. */
@inline
export function writeOf(slot: usize): usize {
  return hasRun(slot) ? slot : <usize>load<u32>(slot, writeAt);
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

/** How many values a block has, or `isRepeated` plus how often its only value comes. */
@inline
export function blockCount(block: usize): u32 {
  return load<u32>(block, closedCountAt);
}
