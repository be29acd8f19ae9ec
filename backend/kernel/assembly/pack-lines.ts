import { copyBytes, putVarint } from "./bytes";
import { entryBytes, putEntry } from "./sort";

/** Reading text: lines `key TAB value`. */

const tab: u8 = 9;
const newline: u8 = 10;

/** How many records the last call of `packLines` or `packAndIndexLines` made, and the bytes of their keys and values. */
export let packedRecords: u32 = 0;
export let packedBytes: u32 = 0;

/** Where the last entry begins that `packAndIndexLines` wrote. */
export let lastEntry: usize = 0;

/**
 * Makes packed records of whole lines. Without a tab, the whole line is the key and the value is empty.
 * @param out memory for twice as many bytes
 * @returns where the records end
 */
export function packLines(from: usize, to: usize, out: usize): usize {
  return pack(from, to, out, 0, 1);
}

/** Likewise, and writes the entry of each record. @param top where the first entry ends; see `lastEntry` */
export function packAndIndexLines(from: usize, to: usize, out: usize, top: usize, partitions: u32): usize {
  return pack(from, to, out, top, partitions);
}

/** Where there are tabs and newlines among 16 bytes, a bit for each. */
@inline
function separators(at: usize): u64 {
  const bytes = v128.load(at);
  const found = v128.or(i8x16.eq(bytes, i8x16.splat(newline)), i8x16.eq(bytes, i8x16.splat(tab)));
  return <u64>(<u32>i8x16.bitmask(found));
}

@inline
function pack(from: usize, to: usize, out: usize, top: usize, partitions: u32): usize {
  packedBytes = 0;
  let records: u32 = 0;
  let line = from;
  let keyEnd: usize = 0;
  let entry = top;
  for (let chunk = from; chunk < to; chunk += 64) {
    let found =
      separators(chunk) |
      (separators(chunk + 16) << 16) |
      (separators(chunk + 32) << 32) |
      (separators(chunk + 48) << 48);
    if (to - chunk < 64) found &= (<u64>1 << <u64>(to - chunk)) - 1;
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
      if (top != 0) {
        entry -= entryBytes;
        putEntry(entry, out, length, partitions);
      }
      out = putVarint(out + length, valueLength);
      copyBytes(out, value, valueLength);
      out += valueLength;
      records++;
      packedBytes += length + valueLength;
      line = at + 1;
      keyEnd = 0;
    }
  }
  packedRecords = records;
  lastEntry = entry;
  return out;
}
