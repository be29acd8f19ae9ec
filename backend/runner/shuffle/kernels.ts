import { Kernel } from "../../kernel/kernel.ts";

/** Bytes that kernels may have besides the memory that their users asked for. */
const extraBytes = 4 * 1024 * 1024;

/** Kernels that nobody uses, those with more memory last. */
const spares: Kernel[] = [];

/** Returns a kernel, if possible one that has already `much` or `little` memory. */
export const takeKernel = (memory: "much" | "little"): Kernel => {
  const kernel = (memory === "much" ? spares.pop() : spares.shift()) ?? new Kernel();
  kernel.reseed();
  return kernel;
};

/**
 * Keeps a kernel for the next task, unless all that are kept would have more memory than `most` bytes. The previous user must not
 * use it any more. If each of thousands of small tasks allocated its own memory, the engine would collect garbage each time.
 */
export const recycleKernel = (kernel: Kernel, most: number): void => {
  if (spareBytes() + kernel.bytes.length > most + extraBytes) return;
  spares.push(kernel);
  spares.sort((a, b) => a.bytes.length - b.bytes.length);
};

/** Returns the bytes of memory currently kept. */
export const spareBytes = (): number => spares.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** Releases all that are kept, because a reduce needs the memory for other things. */
export const releaseSpares = (): void => {
  spares.length = 0;
};
