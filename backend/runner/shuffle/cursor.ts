/**
 * A walk over sorted records. The fields describe the current record, from the first `next` on until the next one; the
 * value follows its key at once. A class, so that all cursors look alike to the engine.
 */
export abstract class Cursor {
  bytes: Buffer = Buffer.alloc(0);
  keyStart = 0;
  keyEnd = 0;
  valueEnd = 0;
  /** `keyPrefix` of the key. */
  prefix = 0;

  /** Goes to the next record. @returns false at the end */
  abstract next(): boolean;
}
