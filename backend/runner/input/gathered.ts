import type { RecordBatch } from "./record-batches.ts";

/** A program is given at least this many bytes at a time, while there are more: as many as a pipe holds. */
const gatheredBytes = 64 * 1024;

/**
 * The bytes of the batches, small ones put together (which copies them), as each write to a program costs it a wake-up. What it
 * gives is valid until the next is asked for.
 */
export async function* gathered(input: AsyncIterable<RecordBatch>): AsyncGenerator<Buffer, void, void> {
  const small = Buffer.allocUnsafeSlow(gatheredBytes);
  let used = 0;
  for await (const { bytes } of input) {
    if (used + bytes.length > gatheredBytes) {
      if (used > 0) yield small.subarray(0, used);
      used = 0;
    }
    if (bytes.length >= gatheredBytes) yield bytes;
    else used += bytes.copy(small, used);
  }
  if (used > 0) yield small.subarray(0, used);
}
