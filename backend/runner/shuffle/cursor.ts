/**
 * Iterates over sorted records in pieces. A piece is a key and one or more of its values, packed one after another (see
 * `packed.ts`). The pieces of a key are consecutive, in the order of its values. The fields describe the current piece, from one
 * call of `next` until the following one. A class, so that all cursors have the same shape for the engine.
 */
export abstract class Cursor {
  /** Contains the key. */
  bytes: Buffer = Buffer.alloc(0);
  keyStart = 0;
  keyEnd = 0;
  /** The `keyPrefix` of the key. */
  prefix = 0;
  /** Whether the piece has the same key as the previous piece of this cursor. */
  continued = false;
  /** Contains the values. */
  valueBytes: Buffer = this.bytes;
  valuesStart = 0;
  valuesEnd = 0;
  /** The number of values in `[valuesStart, valuesEnd)`, at least one. */
  count = 0;

  /** Advances to the next piece. @returns false at the end */
  abstract next(): boolean;

  /** Makes another cursor's current piece the current piece of this cursor. */
  protected show(other: Cursor, continued: boolean): void {
    this.bytes = other.bytes;
    this.keyStart = other.keyStart;
    this.keyEnd = other.keyEnd;
    this.prefix = other.prefix;
    this.continued = continued;
    this.valueBytes = other.valueBytes;
    this.valuesStart = other.valuesStart;
    this.valuesEnd = other.valuesEnd;
    this.count = other.count;
  }
}
