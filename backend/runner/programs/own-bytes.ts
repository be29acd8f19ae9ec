/** Size of the pool that small buffers are cut from. A module that keeps one keeps the whole pool; see docs/guide/programs.md. */
const poolLength = 32 * 1024;

const empty = Buffer.alloc(0);
let pool = Buffer.allocUnsafeSlow(poolLength);
let used = 0;

/** Returns a copy of `[start, end)` that a module may keep. Like `Buffer.from(bytes.subarray(start, end))`, in half the time. */
export function ownBytes(bytes: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  if (length === 0) return empty;
  if (length > poolLength / 8) {
    const own = Buffer.allocUnsafeSlow(length);
    bytes.copy(own, 0, start, end);
    return own;
  }
  if (used + length > poolLength) {
    pool = Buffer.allocUnsafeSlow(poolLength);
    used = 0;
  }
  const own = pool.subarray(used, used + length);
  bytes.copy(pool, used, start, end);
  used += length;
  return own;
}
