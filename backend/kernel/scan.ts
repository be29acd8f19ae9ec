import { Kernel } from "./kernel.ts";

/** Bytes that are handed to the kernel at a time: they stay in the processor's cache. */
export const scanLength = 64 * 1024;

let kernel: Kernel | undefined;

/** Calls `look` for pieces of `scanLength` bytes, the last one shorter, which lie at `[from, to)` in the memory of a kernel. */
export const scan = (bytes: Buffer, look: (calls: Kernel["calls"], from: number, to: number) => void): void => {
  kernel ??= new Kernel();
  const { calls, firstFree } = kernel;
  kernel.reserve(firstFree + scanLength);
  for (let start = 0; start < bytes.length; start += scanLength) {
    look(calls, firstFree, firstFree + bytes.copy(kernel.bytes, firstFree, start, start + scanLength));
  }
};
