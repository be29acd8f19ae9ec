/** The memory of arenas: bytes, some of which are also read as 32-bit words. */

/** Maximum bytes. Offsets are signed 32-bit numbers, which the engine computes with fastest. */
export const maxWords = 0x7fff_fff0;

/** Rounds up to a multiple of 4. */
export const aligned = (offset: number): number => (offset + 3) & ~3;

/** Maximum buffers kept for the next task. A collector has two arenas, and with a combiner there are two collectors. */
const mostSpares = 4;

const spares: Buffer[] = [];

/** Returns at least `length` bytes, and the same memory as words. */
export function allocateWords(length: number): [Buffer, Int32Array] {
  const size = aligned(length);
  const spare = spares.findIndex((bytes) => bytes.length === size);
  const bytes = (spare === -1 ? undefined : spares.splice(spare, 1)[0]) ?? Buffer.allocUnsafeSlow(size);
  return [bytes, new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
}

/**
 * Keeps memory for the next caller that needs the same size. The previous user must not use it any more. If each of thousands of
 * small tasks allocated its own sort buffer, the engine would collect garbage each time.
 */
export function recycleWords(bytes: Buffer): void {
  if (spares.length < mostSpares) spares.push(bytes);
}

/** Returns the bytes of memory currently kept. */
export function spareBytes(): number {
  return spares.reduce((sum, { length }) => sum + length, 0);
}

/** Releases all kept memory, because a reduce needs the room for other things. */
export function releaseSpares(): void {
  spares.length = 0;
}
