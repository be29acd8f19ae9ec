import { scan, scanLength } from "../../kernel/scan.ts";
import type { PackedTarget } from "../record-target.ts";
import { maxVarint, putVarint, VarintReader } from "../shuffle/packed.ts";
import type { Reader } from "./program.ts";

/** The limits of what a program emits; see `AttemptContext`. */
type Limits = { readonly recordLimit: number; readonly outputLimit: number };

/** Maximum bytes of a key in a message. */
const longestShown = 200;

const noRecords = "what was emitted is no sequence of whole packed records";

/** Reads packed records that a program has written. It does not trust them. */
export class PackedReader {
  /** The number of records read, and the bytes of their keys and values. */
  records = 0;
  bytes = 0;
  readonly #target: PackedTarget;
  readonly #limits: Limits;
  readonly #reader: Reader | undefined;

  /** @param reader the executable that reads what is emitted, as lines `key TAB value` */
  constructor(target: PackedTarget, limits: Limits, reader?: Reader) {
    this.#target = target;
    this.#limits = limits;
    this.#reader = reader;
  }

  /** Passes on whole packed records. @throws RangeError unless they are, and within the limits */
  push(packed: Buffer): void {
    for (let at = 0; at < packed.length;) {
      const whole = this.#pushMany(packed.subarray(at, at + scanLength));
      at += whole === 0 ? this.#pushLong(packed.subarray(at)) : whole;
    }
  }

  /** Passes on the records that are whole. @returns the bytes of them */
  #pushMany(packed: Buffer): number {
    let taken = 0;
    let records = 0;
    scan(packed, ({ calls, memory, from, to }) => {
      const end = calls.scanPacked(from, to);
      records = calls.scannedRecords();
      if (records === 0 && calls.isMalformed() !== 0) throw new RangeError(noRecords);
      this.#count(records, calls.scannedBytes(), calls.longestScanned());
      if (this.#reader !== undefined) {
        const unfit = calls.findUnfitForLines(from, end);
        if (unfit < end) throw this.#unfit(memory.subarray(unfit, end));
      }
      taken = end - from;
    });
    // Not from the kernel's memory, which the target may need itself.
    if (taken > 0) this.#target.addPacked(packed.subarray(0, taken), records);
    return taken;
  }

  /** Passes on the first record, which is longer than a piece. @returns its bytes */
  #pushLong(packed: Buffer): number {
    const reader = new VarintReader();
    const keyLength = readLength(packed, reader);
    const keyStart = reader.at;
    reader.at += keyLength;
    const valueLength = readLength(packed, reader);
    const valueStart = reader.at;
    if (valueStart + valueLength > packed.length) throw new RangeError(noRecords);
    this.#count(1, keyLength + valueLength, keyLength + valueLength);
    const [keyEnd, end] = [keyStart + keyLength, valueStart + valueLength];
    if (this.#reader !== undefined) {
      const isUnfit =
        packed.subarray(keyStart, keyEnd).includes("\t") ||
        packed.subarray(keyStart, keyEnd).includes("\n") ||
        packed.subarray(valueStart, end).includes("\n");
      if (isUnfit) throw this.#unfit(packed);
    }
    this.#target.add(packed, keyStart, keyEnd, valueStart, end);
    return end;
  }

  /** @param longest bytes of the longest record */
  #count(records: number, bytes: number, longest: number): void {
    const { recordLimit, outputLimit } = this.#limits;
    if (longest > recordLimit) {
      throw new RangeError(`an emitted record has ${longest} bytes, more than RECORD_LIMIT, ${recordLimit} bytes`);
    }
    this.records += records;
    this.bytes += bytes;
    if (this.bytes > outputLimit)
      throw new RangeError(`more than TASK_OUTPUT_LIMIT, ${outputLimit} bytes, were emitted`);
  }

  /** @param record begins with the record */
  #unfit(record: Buffer): Error {
    const key = new VarintReader().readPacked(record).toString("utf8", 0, longestShown);
    return new Error(
      `emit: the key ${JSON.stringify(key)} has a tab or a newline, or its value a newline, which the executable ` +
        `${this.#reader?.role} ${this.#reader?.name} would read as something else: encode it, as with JSON, or let a module read it`,
    );
  }
}

/** @throws RangeError for what is no number as `putVarint` writes it */
const readLength = (packed: Buffer, reader: VarintReader): number => {
  const { at } = reader;
  const available = packed.subarray(at, at + maxVarint);
  if (!available.some((byte) => byte < 0x80)) throw new RangeError(noRecords);
  const length = reader.read(packed);
  const own = Buffer.alloc(maxVarint);
  if (!own.subarray(0, putVarint(own, 0, length)).equals(packed.subarray(at, reader.at)))
    throw new RangeError(noRecords);
  return length;
};
