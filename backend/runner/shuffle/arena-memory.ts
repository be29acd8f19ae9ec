/** The memory of arenas: bytes, some of which are read as 32-bit words. */

/** Most bytes: offsets are signed 32-bit numbers, with which the engine computes fastest. */
export const maxWords = 0x7fff_fff0;

/** The next multiple of 4. */
export const aligned = (offset: number): number => (offset + 3) & ~3;

/** Most pieces of memory that are kept for the next task: a collector has two arenas, and with a combiner there are two of it. */
const mostSpares = 4;

const spares: Buffer[] = [];

/** At least `length` bytes, and the same memory as words. */
export function allocateWords(length: number): [Buffer, Int32Array] {
  const size = aligned(length);
  const spare = spares.findIndex((bytes) => bytes.length === size);
  const bytes = (spare === -1 ? undefined : spares.splice(spare, 1)[0]) ?? Buffer.allocUnsafeSlow(size);
  return [bytes, new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
}

/**
 * Keeps memory, of which its user must make no more use, for the next one who needs as much. For each of thousands of small
 * tasks to get a sort buffer of its own would have the engine collect its garbage each time.
 */
export function recycleWords(bytes: Buffer): void {
  if (spares.length < mostSpares) spares.push(bytes);
}

/** Bytes of memory that is kept. */
export function spareBytes(): number {
  return spares.reduce((sum, { length }) => sum + length, 0);
}

/** Lets go of all memory that is kept: a reduce needs room for other things. */
export function releaseSpares(): void {
  spares.length = 0;
}
