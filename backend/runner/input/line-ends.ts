import { isAscii } from "node:buffer";
import { scan, scanLength } from "../../kernel/scan.ts";

/** Where the lines of a text end. */
export class LineEnds {
  /** How many lines there are. */
  count = 0;
  /** Whether the text has only characters of ASCII. */
  isAscii = false;
  readonly #ends = new Uint32Array(scanLength);

  /** @param lines whole lines: up to `scanLength` bytes of them, or a single longer one */
  find(lines: Buffer): void {
    if (lines.length > scanLength) {
      this.#ends[0] = lines.length - 1;
      this.count = 1;
      this.isAscii = isAscii(lines);
      return;
    }
    this.count = 0;
    scan(lines, ({ calls, memory, from, to, room }) => {
      this.count = calls.findLineEnds(from, to, room);
      this.isAscii = calls.isAsciiText() !== 0;
      this.#ends.set(new Uint32Array(memory.buffer, memory.byteOffset + room, this.count));
    });
  }

  /** Where the newline of a line is, counted from 0. */
  at(line: number): number {
    return this.#ends[line] ?? 0;
  }
}
