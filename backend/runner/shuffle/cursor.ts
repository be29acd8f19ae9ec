/**
 * A walk over sorted records in pieces: a piece is a key and one or more of its values, packed one after another as
 * `packValue` does it. The pieces of one key follow each other, in the order of its values. The fields describe the current
 * piece, from the first `next` on until the next one. A class, so that all cursors look alike to the engine.
 */
export abstract class Cursor {
  /** Holds the key. */
  bytes: Buffer = Buffer.alloc(0);
  keyStart = 0;
  keyEnd = 0;
  /** `keyPrefix` of the key. */
  prefix = 0;
  /** The piece goes on with the key of the one before it in this cursor. */
  continued = false;
  /** Holds the values. */
  valueBytes: Buffer = this.bytes;
  valuesStart = 0;
  valuesEnd = 0;
  /** How many values there are in `[valuesStart, valuesEnd)`, at least one. */
  count = 0;

  /** Goes to the next piece. @returns false at the end */
  abstract next(): boolean;

  /** Makes this the piece that another cursor stands on. */
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
