import { copyBytes, readVarint, varintBytes, varintEnd } from "./bytes";

/** Packed records of which nobody knows whether they are any: a program has written them. */

const tab: u8 = 9;
const newline: u8 = 10;

/** How many whole records the last call of `scanPacked` found, the bytes of their keys and values, and those of the longest. */
export let scannedRecords: u32 = 0;
export let scannedBytes: u64 = 0;
export let longestScanned: u64 = 0;

/** Whether the record at which it stopped can never become one: its lengths are no varints as `putVarint` writes them. */
export let isMalformed: bool = false;

/**
 * Looks for whole packed records.
 * @returns where the first one begins that is malformed or goes beyond `to`; else `to`
 */
export function scanPacked(from: usize, to: usize): usize {
  let count: u32 = 0;
  let bytes: u64 = 0;
  let longest: u64 = 0;
  isMalformed = false;
  let at = from;
  while (at < to) {
    // Nearly all lengths have one byte.
    const key: u32 = load<u8>(at);
    const valueAt = at + 1 + key;
    if (key < 0x80 && valueAt < to) {
      const value: u32 = load<u8>(valueAt);
      const next = valueAt + 1 + value;
      if (value < 0x80) {
        if (next > to) break;
        count++;
        bytes += key + value;
        longest = max(longest, <u64>(key + value));
        at = next;
        continue;
      }
    }
    const keyLength = readLength(at, to);
    const keyEnd = <u64>varintEnd + keyLength;
    if (isMalformed || keyEnd >= <u64>to) break;
    const valueLength = readLength(<usize>keyEnd, to);
    const end = <u64>varintEnd + valueLength;
    if (isMalformed || end > <u64>to) break;
    count++;
    bytes += keyLength + valueLength;
    longest = max(longest, keyLength + valueLength);
    at = <usize>end;
  }
  scannedRecords = count;
  scannedBytes = bytes;
  longestScanned = longest;
  return at;
}

/** Reads a length of 32 bits; see `varintEnd` and `isMalformed`. It can lie beyond `to` in part. */
@inline
function readLength(at: usize, to: usize): u64 {
  const length = readVarint(at);
  if (varintEnd <= to && (length > <u64>u32.MAX_VALUE || varintBytes(length) != <u32>(varintEnd - at))) isMalformed = true;
  return length;
}

/**
 * Writes whole packed records as lines `key TAB value`, or just the key if the value is empty.
 * @param out memory for as many bytes, elsewhere
 * @returns where the lines end
 */
export function packedToLines(from: usize, to: usize, out: usize): usize {
  for (let at = from; at < to;) {
    const keyLength = <u32>readVarint(at);
    const key = varintEnd;
    const valueLength = <u32>readVarint(key + keyLength);
    const value = varintEnd;
    copyBytes(out, key, keyLength);
    out += keyLength;
    if (valueLength > 0) store<u8>(out++, tab);
    copyBytes(out, value, valueLength);
    out += valueLength;
    store<u8>(out++, newline);
    at = value + valueLength;
  }
  return out;
}

/** Looks for a whole packed record that would be another one, or several, as a line. @returns where it begins; else `to` */
export function findUnfitForLines(from: usize, to: usize): usize {
  for (let at = from; at < to;) {
    const keyLength = <u32>readVarint(at);
    const key = varintEnd;
    const valueLength = <u32>readVarint(key + keyLength);
    const end = varintEnd + valueLength;
    if (holds(key, key + keyLength, tab) || holds(key, key + keyLength, newline) || holds(varintEnd, end, newline)) return at;
    at = end;
  }
  return to;
}

function holds(from: usize, to: usize, wanted: u8): bool {
  for (let at = from; at < to; at++) if (load<u8>(at) == wanted) return true;
  return false;
}
