import { Kernel } from "../../kernel/kernel.ts";

/** Shorter texts are counted here: a call of the kernel costs more. */
const short = 256;

/** Bytes that are handed to the kernel at a time: they stay in the processor's cache. */
const chunkLength = 64 * 1024;

const newline = 0x0a;

let kernel: Kernel | undefined;

/** Counts newlines. */
export function countNewlines(bytes: Buffer): number {
  let count = 0;
  if (bytes.length < short) {
    for (const byte of bytes) if (byte === newline) count++;
    return count;
  }
  kernel ??= new Kernel();
  const { calls, firstFree } = kernel;
  kernel.reserve(firstFree + chunkLength);
  for (let start = 0; start < bytes.length; start += chunkLength) {
    const copied = bytes.copy(kernel.bytes, firstFree, start, start + chunkLength);
    count += calls.countNewlines(firstFree, firstFree + copied);
  }
  return count;
}
