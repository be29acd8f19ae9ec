import { copyBytes, putVarint } from "./bytes";

/**
 * The values of keys, each key's in a chain of blocks, and the memory that they share with long keys and the index.
 *
 * A block starts with three words: the next block (of the last block: the first one), where the block ends (of a closed block:
 * where its values end), and the number of values in a closed block. Packed values follow: a varint length, then the bytes.
 *
 * The slot of a key says which block is its last one, where the next value goes, in the high bits of its tag how much room there is
 * for it, and how many values the last block has.
 */

const lastAt: usize = 16;
export const writeAt: usize = 20;
export const tagAt: usize = 24;
const countAt: usize = 28;

/** The low bits of a tag belong to the key. */
const tagBits: u32 = 5;
export const tagMask: u32 = (1 << tagBits) - 1;
const mostRoom: usize = (1 << (32 - tagBits)) - 1;

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

/** Stores the first value of a key. @returns false if memory is full */
@inline
export function startValues(slot: usize, value: usize, length: u32): bool {
  store<u64>(slot, 0, lastAt);
  return openBlock(slot, max(length + 5, firstRoom)) && append(slot, value, length);
}

/** Appends a value to a slot's values. @returns false if memory is full */
@inline
export function append(slot: usize, value: usize, length: u32): bool {
  const tag = load<u32>(slot, tagAt);
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
    if (!openBlock(slot, max(packed, min(2 * room, largestRoom)))) return false;
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

/** The last block of a slot. */
@inline
export function lastBlockOf(slot: usize): usize {
  return <usize>load<u32>(slot, lastAt);
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
