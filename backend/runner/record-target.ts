import type { Stage } from "./stage.ts";

/** Takes records one by one, synchronously. This is the hot path, so a record is passed as plain arguments, not as an object. */
export type RecordTarget = {
  /** Where short records can be written directly. */
  readonly stage?: Stage;
  /**
   * Copies the record whose key is `[keyStart, keyEnd)` and whose value is `[valueStart, valueEnd)` of `bytes`. The caller may
   * overwrite the bytes when this returns.
   */
  add(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void;
  /**
   * Must be called between records and awaited before the next one. Here the target does any asynchronous work that keeps it
   * within its memory.
   */
  relief(): Promise<void> | undefined;
};

/** Takes whole packed records, too; see `packed.ts`. */
export type PackedTarget = RecordTarget & {
  /** Copies `records` packed records of `scanLength` bytes at most. */
  addPacked(packed: Buffer, records: number): void;
};

/** Where the lines end that were added, how many there were, and the bytes of their keys and values. */
export type AddedLines = { readonly end: number; readonly records: number; readonly bytes: number };
