import { Kernel } from "./kernel.ts";

/** Bytes that are handed to the kernel at a time: they stay in the processor's cache. */
export const scanLength = 64 * 1024;

/** Bytes that the kernel may read behind a piece, before what it writes there. */
const spacing = 64;

let kernel: Kernel | undefined;

/** A piece at `[from, to)` in the memory of a kernel; from `room` on there is room for a word for each of its bytes. */
export type ScannedPiece = {
  readonly calls: Kernel["calls"];
  /** The kernel's memory. It is used again for the next piece of anybody. */
  readonly memory: Buffer;
  readonly from: number;
  readonly to: number;
  readonly room: number;
};

/** Calls `look` for pieces of `scanLength` bytes, the last one shorter. It must not `scan` itself. */
export const scan = (bytes: Buffer, look: (piece: ScannedPiece) => void): void => {
  kernel ??= new Kernel();
  const { calls, firstFree: from } = kernel;
  const room = from + scanLength + spacing;
  kernel.reserve(room + scanLength * Uint32Array.BYTES_PER_ELEMENT);
  for (let start = 0; start < bytes.length; start += scanLength) {
    const to = from + bytes.copy(kernel.bytes, from, start, start + scanLength);
    look({ calls, memory: kernel.bytes, from, to, room });
  }
};
