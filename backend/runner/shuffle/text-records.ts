import { endOfLine, LineFramer, longLine } from "../input/line-framer.ts";
import { type Program, ProgramError } from "../programs/program.ts";
import type { RecordTarget } from "../record-target.ts";

const tab = 0x09;
const newline = 0x0a;

/** Reads what an executable writes: lines `key TAB value`. Without a tab, the whole line is the key and the value is empty. */
export class TextRecords {
  /** The number of records read, and the bytes of their keys and values. */
  records = 0;
  bytes = 0;
  readonly #framer: LineFramer;
  readonly #target: RecordTarget;
  readonly #limit: number;
  readonly #tooLong: () => Error;

  /** @param limit maximum bytes of a line, without its newline: `RECORD_LIMIT` */
  constructor(program: Program, limit: number, target: RecordTarget) {
    this.#tooLong = () => new ProgramError(program, `writes a line longer than RECORD_LIMIT, ${limit} bytes`);
    this.#framer = new LineFramer(limit, this.#tooLong);
    this.#target = target;
    this.#limit = limit;
  }

  /** Reads the next bytes. Await the promise before the next call. @throws ProgramError for a line over the limit */
  async push(chunk: Buffer): Promise<void> {
    for (const lines of this.#framer.push(chunk)) await this.#addAll(lines);
  }

  /** Reads the last line if it lacks a newline. */
  async end(): Promise<void> {
    for (const last of this.#framer.end()) await this.#addAll(last);
  }

  async #addAll(lines: Buffer): Promise<void> {
    const length = lines.length;
    const keys = new KeyScanner(lines);
    let valueLength = 0;
    for (let start = 0; start < length;) {
      const keyEnd = keys.endFrom(start);
      const end = lines[keyEnd] === tab ? endOfLine(lines, keyEnd + 1, valueLength) : keyEnd;
      valueLength = end - keyEnd;
      if (end - start > this.#limit) throw this.#tooLong();
      const valueStart = Math.min(keyEnd + 1, end);
      this.#target.add(lines, start, keyEnd, valueStart, end);
      this.bytes += keyEnd - start + end - valueStart;
      this.records++;
      start = end + 1;
      const relief = this.#target.relief();
      if (relief !== undefined) await relief;
    }
  }
}

/** Finds where keys end, scanning lines from front to back. */
class KeyScanner {
  readonly #lines: Buffer;
  /** The index of the first tab at or after the start of the last long key. */
  #tab = -1;
  #keyLength = 0;

  /** @param lines whole lines */
  constructor(lines: Buffer) {
    this.#lines = lines;
  }

  /** Returns the index of the first tab or newline from `start` on. */
  endFrom(start: number): number {
    const lines = this.#lines;
    let end = start;
    if (this.#keyLength < longLine) {
      for (let byte = lines[end]; byte !== tab && byte !== newline; byte = lines[end]) end++;
    } else {
      if (this.#tab < start) this.#tab = indexOrEnd(lines, lines.indexOf(tab, start));
      end = Math.min(this.#tab, lines.indexOf(newline, start));
    }
    this.#keyLength = end - start;
    return end;
  }
}

const indexOrEnd = (lines: Buffer, index: number): number => (index === -1 ? lines.length : index);
