import { emitError } from "../../../shared/module-contract.ts";
import type { RecordTarget } from "../record-target.ts";
import type { Reader } from "./program.ts";
import { encodeUtf8 } from "./text.ts";

const tab = 0x09;
const newline = 0x0a;

/** The initial buffer size in bytes. The buffer grows with the records. */
const initialScratch = 64 * 1024;

/** Longer stretches are searched by the engine, shorter ones here: a call into it costs more than a few bytes. */
const shortStretch = 64;

/** Maximum bytes of a key in a message. */
const longestShown = 200;

function holds(bytes: Buffer, byte: number, start: number, end: number): boolean {
  if (end - start > shortStretch) return bytes.subarray(start, end).includes(byte);
  for (let at = start; at < end; at++) if (bytes[at] === byte) return true;
  return false;
}

/** The `emit` of modules. Converts what a module emits to the bytes of a record. */
export class Emitter {
  /** A standalone function, so that modules can pass it on. */
  readonly emit = (key: unknown, value: unknown = ""): void => {
    if (typeof key === "string" && this.#emitShort(key, value)) return;
    // A key without a value that is already bytes needs no buffer of ours.
    const isWhole = value === "" && Buffer.isBuffer(key);
    const keyEnd = isWhole ? key.length : this.#encode(key, 0, "key");
    const valueEnd = isWhole ? keyEnd : this.#encode(value, keyEnd, "value");
    if (this.#isOver) throw new Error("emit was called when the task had ended");
    if (valueEnd > this.#recordLimit) {
      throw new RangeError(
        `the emitted record has ${valueEnd} bytes, more than RECORD_LIMIT, ${this.#recordLimit} bytes`,
      );
    }
    this.records++;
    this.bytes += valueEnd;
    if (this.bytes > this.#outputLimit) {
      throw new RangeError(`more than TASK_OUTPUT_LIMIT, ${this.#outputLimit} bytes, were emitted`);
    }
    if (this.#reader !== undefined) this.#checkLine(isWhole ? key : this.#scratch, keyEnd, valueEnd);
    this.#target.add(isWhole ? key : this.#scratch, 0, keyEnd, keyEnd, valueEnd);
  };
  /** The number of emitted records, and the bytes of their keys and values. */
  records = 0;
  bytes = 0;
  readonly #target: RecordTarget;
  readonly #reader: Reader | undefined;
  readonly #recordLimit: number;
  readonly #outputLimit: number;
  #isOver = false;
  #scratch = Buffer.allocUnsafeSlow(initialScratch);

  /**
   * @param limits maximum bytes of one record, and of all records together
   * @param reader the executable that reads what is emitted, as lines `key TAB value`
   */
  constructor(
    target: RecordTarget,
    limits: { readonly recordLimit: number; readonly outputLimit: number },
    reader?: Reader,
  ) {
    this.#target = target;
    this.#reader = reader;
    this.#recordLimit = limits.recordLimit;
    this.#outputLimit = limits.outputLimit;
  }

  /** Rejects all later records, because another task will soon reuse the target's memory. */
  end(): void {
    this.#isOver = true;
  }

  /** Emits the most frequent kinds of records without a copy. @returns false if it is another one */
  #emitShort(key: string, value: unknown): boolean {
    const { stage } = this.#target;
    if (stage === undefined || this.#isOver) return false;
    if (typeof value === "number") {
      if (value >>> 0 !== value || value > 9) return this.#emitShort(key, String(value));
      const length = key.length + 1;
      return this.#allows(length) && stage.putDigit(key, value) && this.#count(length);
    }
    if (typeof value !== "string") return false;
    const length = key.length + value.length;
    return this.#allows(length) && stage.putText(key, value) && this.#count(length);
  }

  /** Whether a record is within the limits. @param length its bytes */
  #allows(length: number): boolean {
    return length <= this.#recordLimit && this.bytes + length <= this.#outputLimit;
  }

  #count(length: number): true {
    this.records++;
    this.bytes += length;
    return true;
  }

  /** @returns where the bytes end */
  #encode(part: unknown, offset: number, what: "key" | "value"): number {
    switch (typeof part) {
      case "string":
        this.#reserve(offset, 3 * part.length);
        return offset + encodeUtf8(part, this.#scratch, offset);
      case "number":
      case "bigint":
      case "boolean":
        return this.#encode(String(part), offset, what);
      case "object":
        if (part instanceof Uint8Array) {
          this.#reserve(offset, part.length);
          this.#scratch.set(part, offset);
          return offset + part.length;
        }
    }
    throw emitError(part, what);
  }

  /** @throws Error for a record that, as a line, would be read as a different record or as several */
  #checkLine(record: Buffer, keyEnd: number, valueEnd: number): void {
    let what: string | undefined;
    if (holds(record, tab, 0, keyEnd)) what = "key holds a tab";
    else if (holds(record, newline, 0, keyEnd)) what = "key holds a newline";
    else if (holds(record, newline, keyEnd, valueEnd)) what = "value holds a newline";
    if (what === undefined) return;
    const key = JSON.stringify(record.toString("utf8", 0, Math.min(keyEnd, longestShown)));
    throw new Error(
      `emit(key, value): the ${what}, at key ${key}, which the executable ${this.#reader?.role} ${this.#reader?.name} ` +
        "would read as something else: encode it, as with JSON.stringify, or let a module read it",
    );
  }

  #reserve(offset: number, length: number): void {
    if (offset + length <= this.#scratch.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#scratch.length, offset + length));
    grown.set(this.#scratch.subarray(0, offset));
    this.#scratch = grown;
  }
}
