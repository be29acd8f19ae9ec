import { emitError } from "../../../shared/module-contract.ts";
import { cut, longestPart, mostRows } from "./limits.ts";

const decoder = new TextDecoder();

/** The `emit` of a sample, and what was emitted. */
export class Emitted {
  /** The first records, as they are shown. */
  readonly rows: [key: string, value: string][] = [];
  /** The number of all records. */
  count = 0;

  /** A standalone function, so that modules can pass it on. */
  readonly emit = (key: unknown, value: unknown = ""): void => {
    const row: [string, string] = [shown(key, "key"), shown(value, "value")];
    this.count++;
    if (this.rows.length < mostRows) this.rows.push(row);
  };
}

/** @throws TypeError if the runner does not take it either */
const shown = (part: unknown, what: "key" | "value"): string => {
  switch (typeof part) {
    case "string":
      return cut(part, longestPart);
    case "number":
    case "bigint":
    case "boolean":
      return cut(String(part), longestPart);
    case "object":
      // More bytes than the longest text has, as a UTF-16 unit takes at most three.
      if (part instanceof Uint8Array) return cut(decoder.decode(part.subarray(0, 4 * longestPart)), longestPart);
  }
  throw emitError(part, what);
};
