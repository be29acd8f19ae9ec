import type { BlockSource } from "./blocks.ts";
import { recycleKernel, takeKernel } from "./kernels.ts";
import { headerLength } from "./segment.ts";

/** Bytes of a batch. A batch is larger if a single record is longer. */
const batchLength = 64 * 1024;

/** The kernel wants its regions apart. */
const spacing = 16;

/** The records and keys converted to text so far. */
type TextCounts = { records: number; groups: number };

/**
 * Converts sorted records to the text that executables read: lines `key TAB value`, always with the tab, in batches. Each batch
 * is valid until the next one is requested.
 * @param kept bytes of memory that kernels may keep for the next task
 * @param counts is updated with the number of records and distinct keys
 */
export async function* textBatches(
  sorted: BlockSource,
  kept: number,
  counts: TextCounts = { records: 0, groups: 0 },
): AsyncGenerator<Buffer, void, void> {
  const kernel = takeKernel("little");
  const { calls, firstFree: at } = kernel;
  for (let block = sorted(); block !== undefined; block = sorted()) {
    const length = block.bytes.length - headerLength;
    const batch = at + length + spacing;
    let batchEnd = batch + batchLength;
    kernel.reserve(batchEnd);
    block.bytes.copy(kernel.bytes, at, headerLength);
    calls.startLines(at, at + length);
    for (;;) {
      const end = calls.writeLines(batch, batchEnd);
      if (end > batch) {
        yield kernel.bytes.subarray(batch, end);
      } else {
        const missing = calls.missingLineBytes();
        if (missing === 0) break;
        batchEnd = batch + missing;
        kernel.reserve(batchEnd);
      }
    }
    counts.records += block.records;
    counts.groups += calls.lineGroups();
  }
  recycleKernel(kernel, kept);
}
