import { scan } from "../../kernel/scan.ts";

/** Shorter texts are counted here: a call of the kernel costs more. */
const short = 256;

const newline = 0x0a;

/** Counts newlines. */
export function countNewlines(bytes: Buffer): number {
  let count = 0;
  if (bytes.length < short) {
    for (const byte of bytes) if (byte === newline) count++;
    return count;
  }
  scan(bytes, ({ calls, from, to }) => (count += calls.countNewlines(from, to)));
  return count;
}
