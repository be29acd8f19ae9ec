import { compareKeys, copyBytes, prefixOf, readVarint, varintEnd } from "./bytes";
import { newKey, pieceHeader, putPiece, sameKey, single } from "./pieces";

/**
 * Merging of sorted sources. The merge is stable: the values of equal keys come in the order of their sources. The sources are
 * the leaves of a tree of losers: each inner node holds the loser of the match between its children, node 0 the winner. A node has
 * the source's prefix, so that most matches need nothing else, and its number.
 */

/** The current piece of a source, and where its block goes on. */
const prefixAt: usize = 0;
const nextAt: usize = 8;
const endAt: usize = 12;
const keyAt: usize = 16;
const lengthAt: usize = 20;
const valuesAt: usize = 24;
const valuesEndAt: usize = 28;
const countAt: usize = 32;
/** 0 if the source has ended. */
const aliveAt: usize = 36;
/** Whether the piece has the same key as the previous one of this source. */
const continuedAt: usize = 40;
const sourceBytes: usize = 48;
const nobody: u32 = 0xffff_ffff;

const nodeShift: usize = 4;
const numberAt: usize = 8;

/** Bytes that merging takes for each source. */
export const mergeBytes: usize = sourceBytes + (1 << nodeShift);

let sources: usize = 0;
let count: u32 = 0;
let tree: usize = 0;
/** Memory for a key whose block is replaced. */
let keyRoom: usize = 0;
/** The key of the last piece that was written. */
let lastKey: usize = 0;
let lastLength: u32 = 0;
let lastPrefix: u64 = 0;
let lastSource: u32 = nobody;

/** Why `merge` returned: the number of the source that needs its next block, or one of these. */
export let wanted: i32 = 0;
const isOver: i32 = -1;
const hasEnough: i32 = -2;
const needsRoom: i32 = -3;

/** How many records the last call of `merge` wrote, and with `needsRoom`, how many bytes the next piece takes. */
export let mergedRecords: u32 = 0;
export let neededBytes: u32 = 0;

@inline
function source(number: u32): usize {
  return sources + <usize>number * sourceBytes;
}

/**
 * Begins a merge. Then each source gets its first block, and `startMerge` is called.
 * @param at `mergeBytes` of memory for each source
 */
export function resetMerge(at: usize, sourceCount: u32): void {
  sources = at;
  count = sourceCount;
  tree = at + <usize>count * sourceBytes;
  lastKey = 0;
  lastLength = 0;
  lastSource = nobody;
}

/** @param at memory for the longest key */
export function setKeyRoom(at: usize): void {
  keyRoom = at;
}

/** Gives a source its next block; an empty one if there is none. The block must stay until the source needs the next one. */
export function giveBlock(number: u32, at: usize, end: usize): void {
  const state = source(number);
  store<u32>(state, <u32>at, nextAt);
  store<u32>(state, <u32>end, endAt);
  store<u32>(state, u32(at < end), aliveAt);
  // Ended sources lose most matches by their prefix.
  if (at < end) readPiece(state);
  else store<u64>(state, u64.MAX_VALUE, prefixAt);
}

@inline
function putNode(node: usize, prefix: u64, number: u32): void {
  store<u64>(node, prefix);
  store<u32>(node, number, numberAt);
}

/** Plays all matches. */
export function startMerge(): void {
  memory.fill(tree, 0xff, <usize>count << nodeShift);
  for (let number: u32 = 0; number < count; number++) {
    let winner = number;
    let node = (number + count) >> 1;
    for (; node > 0; node >>= 1) {
      const at = tree + (<usize>node << nodeShift);
      const other = load<u32>(at, numberAt);
      if (other == nobody) {
        putNode(at, load<u64>(source(winner), prefixAt), winner);
        break;
      }
      if (isBefore(other, winner)) {
        putNode(at, load<u64>(source(winner), prefixAt), winner);
        winner = other;
      }
    }
    if (node == 0) putNode(tree, 0, winner);
  }
}

/** Goes on after the source that `wanted` names has got its next block. */
export function resumeMerge(): void {
  replay();
}

@inline
function readPiece(state: usize): void {
  let at = <usize>load<u32>(state, nextAt);
  let head: u64 = load<u8>(at);
  if (head < 0x80) at++;
  else {
    head = readVarint(at);
    at = varintEnd;
  }
  const kind = head & 6;
  store<u32>(state, u32(kind != newKey), continuedAt);
  if (kind != sameKey) {
    const length = <u32>(head >> 3);
    store<u32>(state, <u32>at, keyAt);
    store<u32>(state, length, lengthAt);
    store<u64>(state, prefixOf(at, length), prefixAt);
    at += length;
  }
  let end: usize;
  if (head & single) {
    store<u32>(state, 1, countAt);
    const length: u32 = load<u8>(at);
    end = length < 0x80 ? at + 1 + length : endOfLong(at);
  } else {
    store<u32>(state, <u32>readVarint(at), countAt);
    const bytes = <usize>readVarint(varintEnd);
    at = varintEnd;
    end = at + bytes;
  }
  assert(end <= <usize>load<u32>(state, endAt));
  store<u32>(state, <u32>at, valuesAt);
  store<u32>(state, <u32>end, valuesEndAt);
  store<u32>(state, <u32>end, nextAt);
}

function endOfLong(at: usize): usize {
  const length = <usize>readVarint(at);
  return varintEnd + length;
}

@inline
function isBefore(a: u32, b: u32): bool {
  const x = source(a);
  const y = source(b);
  if (load<u32>(x, aliveAt) & load<u32>(y, aliveAt)) {
    const p = load<u64>(x, prefixAt);
    const q = load<u64>(y, prefixAt);
    if (p != q) return p < q;
    const order = compareKeys(load<u32>(x, keyAt), load<u32>(x, lengthAt), load<u32>(y, keyAt), load<u32>(y, lengthAt), 8);
    return order == 0 ? a < b : order < 0;
  }
  return load<u32>(x, aliveAt) != 0;
}

/** Plays the matches of the winner again, whose piece has changed. */
@inline
function replay(): void {
  let winner = load<u32>(tree, numberAt);
  let prefix = load<u64>(source(winner), prefixAt);
  for (let node = (winner + count) >> 1; node > 0; node >>= 1) {
    const at = tree + (<usize>node << nodeShift);
    const other = load<u32>(at, numberAt);
    const otherPrefix = load<u64>(at);
    // Without a branch, as nobody could predict it.
    const isOther = otherPrefix == prefix ? isBefore(other, winner) : otherPrefix < prefix;
    putNode(at, select<u64>(prefix, otherPrefix, isOther), select<u32>(winner, other, isOther));
    winner = select<u32>(other, winner, isOther);
    prefix = select<u64>(otherPrefix, prefix, isOther);
  }
  store<u32>(tree, winner, numberAt);
}

/**
 * Writes the next pieces of all sources together.
 * @param enough stops once there are this many bytes
 * @param from where the block that is being written starts
 * @param out where to go on writing it
 * @returns where the pieces end; `wanted` says why it stopped
 */
export function merge(from: usize, out: usize, outEnd: usize, enough: u32): usize {
  mergedRecords = 0;
  while (out < from + enough) {
    const number = load<u32>(tree, numberAt);
    const state = source(number);
    if (load<u32>(state, aliveAt) == 0) {
      wanted = isOver;
      return out;
    }
    const key = <usize>load<u32>(state, keyAt);
    const length = load<u32>(state, lengthAt);
    const values = <usize>load<u32>(state, valuesAt);
    const bytes = load<u32>(state, valuesEndAt) - <u32>values;
    if (out + pieceHeader + length + bytes > outEnd) {
      wanted = needsRoom;
      neededBytes = pieceHeader + length + bytes;
      return out;
    }
    const records = load<u32>(state, countAt);
    const prefix = load<u64>(state, prefixAt);
    const isSame =
      number == lastSource
        ? load<u32>(state, continuedAt) != 0
        : prefix == lastPrefix && lastSource != nobody && compareKeys(key, length, lastKey, lastLength, 8) == 0;
    out = putPiece(out, out == from, isSame, key, length, values, bytes, records);
    mergedRecords += records;
    lastKey = key;
    lastLength = length;
    lastPrefix = prefix;
    lastSource = number;
    if (load<u32>(state, nextAt) == load<u32>(state, endAt)) {
      copyBytes(keyRoom, key, length);
      lastKey = keyRoom;
      wanted = <i32>number;
      return out;
    }
    readPiece(state);
    if (load<u32>(state, continuedAt) == 0) replay();
  }
  wanted = hasEnough;
  return out;
}
