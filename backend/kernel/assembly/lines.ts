import { copyBytes, putVarint, readVarint, varintEnd } from "./bytes";
import { newKey, sameKey, single } from "./pieces";

/** The text that executables read and write: lines `key TAB value`. */

const tab: u8 = 9;
const newline: u8 = 10;

/** How many records the last call of `packLines` made, and the bytes of their keys and values. */
export let packedRecords: u32 = 0;
export let packedBytes: u32 = 0;

/**
 * Makes packed records of whole lines. Without a tab, the whole line is the key and the value is empty.
 * @param out memory for twice as many bytes
 * @returns where the records end
 */
export function packLines(from: usize, to: usize, out: usize): usize {
  const newlines = i8x16.splat(newline);
  const tabs = i8x16.splat(tab);
  packedRecords = 0;
  packedBytes = 0;
  let line = from;
  let keyEnd: usize = 0;
  for (let chunk = from; chunk < to; chunk += 16) {
    const bytes = v128.load(chunk);
    let found = <u32>i8x16.bitmask(v128.or(i8x16.eq(bytes, newlines), i8x16.eq(bytes, tabs)));
    if (to - chunk < 16) found &= (1 << <u32>(to - chunk)) - 1;
    for (; found != 0; found &= found - 1) {
      const at = chunk + <usize>ctz(found);
      if (load<u8>(at) == tab) {
        if (keyEnd == 0) keyEnd = at;
        continue;
      }
      const length = <u32>((keyEnd == 0 ? at : keyEnd) - line);
      const value = keyEnd == 0 ? at : keyEnd + 1;
      const valueLength = <u32>(at - value);
      out = putVarint(out, length);
      copyBytes(out, line, length);
      out = putVarint(out + length, valueLength);
      copyBytes(out, value, valueLength);
      out += valueLength;
      packedRecords++;
      packedBytes += length + valueLength;
      line = at + 1;
      keyEnd = 0;
    }
  }
  return out;
}

/** The pieces that are being written as lines. */
let at: usize = 0;
let end: usize = 0;
let key: usize = 0;
let length: u32 = 0;
/** The values of the current piece that are not written yet. */
let value: usize = 0;
let valuesEnd: usize = 0;

/** How many distinct keys began in the pieces so far. */
export let lineGroups: u32 = 0;
/** The bytes that are missing for the next line; 0 if none are. */
export let missingLineBytes: u32 = 0;

/** Begins with the pieces of a block. */
export function startLines(from: usize, to: usize): void {
  at = from;
  end = to;
  value = 0;
  valuesEnd = 0;
  lineGroups = 0;
}

/** Writes the next lines as far as there is room. @returns where they end; `out` if all are written, or see `missingLineBytes` */
export function writeLines(out: usize, outEnd: usize): usize {
  const start = out;
  missingLineBytes = 0;
  while (value < valuesEnd || at < end) {
    if (value == valuesEnd) readPiece();
    const bytes = <u32>readVarint(value);
    if (out + length + bytes + 2 > outEnd) {
      if (out == start) missingLineBytes = length + bytes + 2;
      return out;
    }
    copyBytes(out, key, length);
    out += length;
    store<u8>(out++, tab);
    copyBytes(out, varintEnd, bytes);
    out += bytes;
    store<u8>(out++, newline);
    value = varintEnd + bytes;
  }
  return out;
}

function readPiece(): void {
  const head = readVarint(at);
  at = varintEnd;
  const kind = head & 6;
  if (kind == newKey) lineGroups++;
  if (kind != sameKey) {
    key = at;
    length = <u32>(head >> 3);
    at += length;
  }
  if (head & single) {
    const bytes = <usize>readVarint(at);
    value = at;
    at = varintEnd + bytes;
  } else {
    readVarint(at);
    const bytes = <usize>readVarint(varintEnd);
    value = varintEnd;
    at = value + bytes;
  }
  valuesEnd = at;
  assert(at <= end);
}
