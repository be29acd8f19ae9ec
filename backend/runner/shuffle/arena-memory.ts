/** The memory of arenas: bytes, some of which are read as 32-bit words. */

/** Most bytes: offsets are signed 32-bit numbers, with which the engine computes fastest. */
export const maxWords = 0x7fff_fff0;

/** The next multiple of 4. */
export const aligned = (offset: number): number => (offset + 3) & ~3;

/** At least `length` bytes, and the same memory as words. */
export function allocateWords(length: number): [Buffer, Int32Array] {
  const bytes = Buffer.allocUnsafeSlow(aligned(length));
  return [bytes, new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
}
