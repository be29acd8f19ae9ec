import type { Cursor } from "./cursor.ts";
import { compareKeys } from "./key.ts";

const tab = 0x09;
const newline = 0x0a;

/** Bytes of a batch, more for a single longer record. */
const batchLength = 64 * 1024;

/** What has been turned into text so far. */
type TextCounts = { records: number; groups: number };

/**
 * Sorted records as executables read them: lines `key TAB value`, always with the tab, in batches.
 * @param counts is kept up to date: records, and distinct keys
 */
export async function* textBatches(sorted: Cursor, counts: TextCounts): AsyncGenerator<Buffer, void, void> {
  let batch = Buffer.allocUnsafeSlow(batchLength);
  let used = 0;
  // The key before, in a batch that is not overwritten: a new one is made when it is full.
  let previous = batch;
  let previousStart = 0;
  let previousEnd = 0;
  let previousPrefix = -1;
  while (sorted.next()) {
    const { bytes, keyStart, keyEnd, valueEnd, prefix } = sorted;
    const needed = valueEnd - keyStart + 2;
    if (used + needed > batch.length) {
      if (used > 0) yield batch.subarray(0, used);
      batch = Buffer.allocUnsafeSlow(Math.max(batchLength, needed));
      used = 0;
    }
    const isNew =
      prefix !== previousPrefix || compareKeys(bytes, keyStart, keyEnd, previous, previousStart, previousEnd) !== 0;
    previous = batch;
    previousStart = used;
    bytes.copy(batch, used, keyStart, keyEnd);
    used += keyEnd - keyStart;
    previousEnd = used;
    previousPrefix = prefix;
    batch[used++] = tab;
    bytes.copy(batch, used, keyEnd, valueEnd);
    used += valueEnd - keyEnd;
    batch[used++] = newline;
    counts.records++;
    if (isNew) counts.groups++;
  }
  if (used > 0) yield batch.subarray(0, used);
}
