import { failure, isNumeric, keepsFirst, setAggregate, take } from "./aggregate";
import { copyBytes, readVarint, varintEnd } from "./bytes";
import { longestNumber, putNumber } from "./numbers";
import { newKey, sameKey, single } from "./pieces";

/** Writing text: lines `key TAB value` of sorted records, or of what the values of each key come to. */

const tab: u8 = 9;
const newline: u8 = 10;

/** Whether there is a tab even before an empty value. */
let hasTabs: bool = false;

/** The pieces that are being written. */
let at: usize = 0;
let end: usize = 0;
/** The key of the current piece. */
export let lineKey: usize = 0;
export let lineKeyLength: u32 = 0;
/** With a numeric aggregate: the value that was read last. */
export let lineValue: usize = 0;
export let lineValueLength: u32 = 0;
/** The values of the current piece that are not written yet. */
let value: usize = 0;
let valuesEnd: usize = 0;
/** With a numeric aggregate: what the values of the key so far have come to, which stands in no line yet. */
let number: i64 = 0;
let isPending: bool = false;

/** How many distinct keys began in the pieces so far. */
export let lineGroups: u32 = 0;
/** The bytes that are missing for the next line; 0 if none are. */
export let missingLineBytes: u32 = 0;

/**
 * Begins with no records.
 * @param aggregate what becomes of the values of a key, which are what the same aggregate has come to in maps
 * @param tabs whether there is a tab even before an empty value
 */
export function resetLines(aggregate: u32, tabs: bool): void {
  setAggregate(aggregate, true);
  hasTabs = tabs;
  isPending = false;
}

/** Goes on with the pieces of a block. */
export function startLines(from: usize, to: usize): void {
  at = from;
  end = to;
  value = 0;
  valuesEnd = 0;
  lineGroups = 0;
}

/**
 * Writes as far as there is room.
 * @returns where it ends; `out` if everything is written, or see `missingLineBytes` and `failure`
 */
export function writeLines(out: usize, outEnd: usize): usize {
  missingLineBytes = 0;
  return isNumeric ? writeNumbers(out, outEnd) : writeValues(out, outEnd);
}

function writeValues(out: usize, outEnd: usize): usize {
  const start = out;
  while (value < valuesEnd || at < end) {
    if (value == valuesEnd) {
      const isNew = readPiece();
      if (keepsFirst && !isNew) {
        value = valuesEnd;
        continue;
      }
    }
    const bytes = <u32>readVarint(value);
    if (out + lineKeyLength + bytes + 2 > outEnd) {
      if (out == start) missingLineBytes = lineKeyLength + bytes + 2;
      return out;
    }
    copyBytes(out, lineKey, lineKeyLength);
    out += lineKeyLength;
    if (bytes > 0 || hasTabs) store<u8>(out++, tab);
    copyBytes(out, varintEnd, bytes);
    out += bytes;
    store<u8>(out++, newline);
    value = keepsFirst ? valuesEnd : varintEnd + bytes;
  }
  return out;
}

function writeNumbers(out: usize, outEnd: usize): usize {
  const start = out;
  while (at < end) {
    const head = readVarint(at);
    const isNew = (head & 6) == newKey;
    if (isNew) {
      const length = <u32>(head >> 3);
      const room = length + longestNumber + 2;
      if (out + room > outEnd) {
        if (out == start) missingLineBytes = room;
        return out;
      }
      out = endLines(out);
    }
    readPiece();
    if (isNew) {
      copyBytes(out, lineKey, lineKeyLength);
      out += lineKeyLength;
      number = 0;
      isPending = true;
    }
    for (let isFirst = isNew; value < valuesEnd; isFirst = false) {
      lineValueLength = <u32>readVarint(value);
      lineValue = varintEnd;
      number = take(number, isFirst, lineValue, lineValueLength);
      if (failure != 0) return out;
      value = lineValue + lineValueLength;
    }
  }
  return out;
}

/** Ends the last line, for which there must be room for a number. @returns where it ends */
export function endLines(out: usize): usize {
  if (!isPending) return out;
  isPending = false;
  store<u8>(out, tab);
  out = putNumber(out + 1, number);
  store<u8>(out, newline);
  return out + 1;
}

/** @returns whether it has another key than the piece before */
function readPiece(): bool {
  const head = readVarint(at);
  at = varintEnd;
  const kind = head & 6;
  if (kind == newKey) lineGroups++;
  if (kind != sameKey) {
    lineKey = at;
    lineKeyLength = <u32>(head >> 3);
    at += lineKeyLength;
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
  return kind == newKey;
}
