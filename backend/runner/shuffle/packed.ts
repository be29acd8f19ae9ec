/** Packed values: each is its length as a varint (LEB128, 7 bits per byte, lowest first), then its bytes. */

/** Maximum bytes of a 32-bit varint. */
export const maxVarint = 5;

/** Up to this many bytes are copied in a loop, because a call into the engine costs more. */
const shortCopy = 32;

/** Writes a number from 0 to 2^32 - 1 at `at`. @returns where it ends */
export function putVarint(target: Buffer, at: number, value: number): number {
  let rest = value;
  let end = at;
  for (; rest >= 0x80; rest >>>= 7) target[end++] = (rest & 0x7f) | 0x80;
  target[end++] = rest;
  return end;
}

/** Reads varints and remembers its position. */
export class VarintReader {
  at = 0;

  read(bytes: Buffer): number {
    // `?? 0` satisfies the index check of the compiler: every index here is in bounds.
    let byte = bytes[this.at++] ?? 0;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = bytes[this.at++] ?? 0;
      value |= (byte & 0x7f) << shift;
    }
    return value >>> 0;
  }

  /** Reads a packed value. Valid as long as `bytes`. */
  readPacked(bytes: Buffer): Buffer {
    const length = this.read(bytes);
    this.at += length;
    return bytes.subarray(this.at - length, this.at);
  }
}

/** Copies `[start, end)` to `at`. @returns where the copy ends */
export function copyBytes(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  const length = end - start;
  if (length > shortCopy) {
    // All of a buffer is copied without a view of it.
    if (length === from.length) to.set(from, at);
    else from.copy(to, at, start, end);
  } else for (let index = 0; index < length; index++) to[at + index] = from[start + index] ?? 0;
  return at + length;
}

/** Writes a packed record, a packed key and a packed value, at `at`. @returns where it ends */
export function putRecord(
  target: Buffer,
  at: number,
  bytes: Buffer,
  keyStart: number,
  keyEnd: number,
  valueStart: number,
  valueEnd: number,
): number {
  const keyAt = putVarint(target, at, keyEnd - keyStart);
  const valueAt = putVarint(target, copyBytes(bytes, keyStart, keyEnd, target, keyAt), valueEnd - valueStart);
  return copyBytes(bytes, valueStart, valueEnd, target, valueAt);
}
