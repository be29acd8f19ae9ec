const newline = 0x0a;

/** Returns whole lines from `start` on: `most` bytes of them, or a single line that is longer. */
export function linesFrom(lines: Buffer, start: number, most: number): Buffer {
  const last = lines.lastIndexOf(newline, start + most - 1);
  return lines.subarray(start, (last < start ? lines.indexOf(newline, start) : last) + 1);
}
