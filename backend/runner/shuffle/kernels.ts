import { Kernel } from "../../kernel/kernel.ts";

/** Maximum number of kernels kept for the next task: with a combiner, a map has two collectors. */
const mostSpares = 2;

/** Bytes that a kernel may have besides the memory that its user asked for. */
const extraBytes = 1024 * 1024;

const spares: Kernel[] = [];

/** Returns a kernel with any amount of memory. */
export const takeKernel = (): Kernel => {
  const kernel = spares.pop() ?? new Kernel();
  kernel.reseed();
  return kernel;
};

/**
 * Keeps a kernel for the next task, unless it has more memory than `most` bytes. The previous user must not use it any more. If
 * each of thousands of small tasks allocated its own memory, the engine would collect garbage each time.
 */
export const recycleKernel = (kernel: Kernel, most: number): void => {
  if (spares.length < mostSpares && kernel.bytes.length <= most + extraBytes) spares.push(kernel);
};

/** Returns the bytes of memory currently kept. */
export const spareBytes = (): number => spares.reduce((sum, { bytes }) => sum + bytes.length, 0);
