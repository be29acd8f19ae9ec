import type { Cursor } from "./cursor.ts";
import { copyBytes, VarintReader } from "./packed.ts";

const tab = 0x09;
const newline = 0x0a;

/** Bytes of a batch. A batch is larger if a single record is longer. */
const batchLength = 64 * 1024;

/** The records and keys converted to text so far. */
type TextCounts = { records: number; groups: number };

/**
 * Converts sorted records to the text that executables read: lines `key TAB value`, always with the tab, in batches. Each batch
 * is valid until the next one is requested.
 * @param counts is updated with the number of records and distinct keys
 */
export async function* textBatches(sorted: Cursor, counts: TextCounts): AsyncGenerator<Buffer, void, void> {
  const reader = new VarintReader();
  let batch = Buffer.allocUnsafeSlow(batchLength);
  let used = 0;
  while (sorted.next()) {
    const { bytes, keyStart, keyEnd, valueBytes, valuesStart, valuesEnd } = sorted;
    counts.records += sorted.count;
    if (!sorted.continued) counts.groups++;
    reader.at = valuesStart;
    while (reader.at < valuesEnd) {
      const length = reader.read(valueBytes);
      const needed = keyEnd - keyStart + length + 2;
      if (used + needed > batch.length) {
        if (used > 0) yield batch.subarray(0, used);
        if (needed > batch.length) batch = Buffer.allocUnsafeSlow(needed);
        used = 0;
      }
      used = copyBytes(bytes, keyStart, keyEnd, batch, used);
      batch[used++] = tab;
      used = copyBytes(valueBytes, reader.at, reader.at + length, batch, used);
      batch[used++] = newline;
      reader.at += length;
    }
  }
  if (used > 0) yield batch.subarray(0, used);
}
