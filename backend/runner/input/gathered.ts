import type { RecordBatch } from "./record-batches.ts";

/** Small batches are combined up to this many bytes: as many as a pipe holds. */
const gatheredBytes = 64 * 1024;

/**
 * Yields the bytes of the batches. Small batches are copied together, because each write to a program costs it a wake-up. Each
 * buffer is valid until the next one is requested.
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
