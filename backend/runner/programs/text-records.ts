import { LineFramer } from "../input/line-framer.ts";
import type { LineTarget } from "../shuffle/collector.ts";
import { type NamedProgram, ProgramError } from "./program.ts";

const tab = 0x09;
const newline = 0x0a;

/** Reads what a program writes: lines `key TAB value`. Without a tab, the whole line is the key and the value is empty. */
export class TextRecords {
  /** The number of records read, and the bytes of their keys and values. */
  records = 0;
  bytes = 0;
  readonly #framer: LineFramer;
  readonly #target: LineTarget;
  readonly #limit: number;
  readonly #tooLong: () => Error;

  /** @param limit maximum bytes of a line, without its newline: `RECORD_LIMIT` */
  constructor(program: NamedProgram, limit: number, target: LineTarget) {
    this.#tooLong = () => new ProgramError(program, `writes a line longer than RECORD_LIMIT, ${limit} bytes`);
    this.#framer = new LineFramer(limit, this.#tooLong);
    this.#target = target;
    this.#limit = limit;
  }

  /** Reads the next bytes. Await the promise before the next call. @throws ProgramError for a line over the limit */
  async push(chunk: Buffer): Promise<void> {
    for (const lines of this.#framer.push(chunk)) await this.pushLines(lines);
  }

  /** Reads the last line if it lacks a newline. */
  async end(): Promise<void> {
    for (const last of this.#framer.end()) await this.pushLines(last);
  }

  /** Reads whole lines. Otherwise like `push`. */
  async pushLines(lines: Buffer): Promise<void> {
    for (let start = 0; start < lines.length;) {
      const added = this.#target.addLines(lines, start, this.#limit + 1);
      if (added.end > start) {
        start = added.end;
        this.records += added.records;
        this.bytes += added.bytes;
      } else {
        start = this.#addLine(lines, start);
      }
      const relief = this.#target.relief();
      if (relief !== undefined) await relief;
    }
  }

  /** Adds a long line. @returns where the next one starts */
  #addLine(lines: Buffer, start: number): number {
    const end = lines.indexOf(newline, start);
    if (end - start > this.#limit) throw this.#tooLong();
    const tabAt = lines.subarray(start, end).indexOf(tab);
    const keyEnd = tabAt === -1 ? end : start + tabAt;
    const valueStart = Math.min(keyEnd + 1, end);
    this.#target.add(lines, start, keyEnd, valueStart, end);
    this.records++;
    this.bytes += keyEnd - start + end - valueStart;
    return end + 1;
  }
}
