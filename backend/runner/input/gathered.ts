import type { RecordBatch } from "./record-batches.ts";

/** A program is given at least this many bytes at a time, while there are more: as many as a pipe holds. */
const gatheredBytes = 64 * 1024;

/** The bytes of the batches, small ones put together (which copies them), as each write to a program costs it a wake-up. */
export async function* gathered(input: AsyncIterable<RecordBatch>): AsyncGenerator<Buffer, void, void> {
  let small: Buffer[] = [];
  let length = 0;
  for await (const { bytes } of input) {
    if (length > 0 && length + bytes.length > gatheredBytes) {
      yield Buffer.concat(small);
      small = [];
      length = 0;
    }
    if (bytes.length >= gatheredBytes) yield bytes;
    else {
      small.push(bytes);
      length += bytes.length;
    }
  }
  if (length > 0) yield Buffer.concat(small);
}
