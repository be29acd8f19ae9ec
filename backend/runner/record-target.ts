/** Takes records one by one, synchronously: this is the hot path, so a record is five numbers and no object. */
export type RecordTarget = {
  /**
   * Takes the record whose key is `[keyStart, keyEnd)` and whose value is `[valueStart, valueEnd)` of `bytes`. Copies it:
   * the bytes may be overwritten when this returns.
   */
  add(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void;
  /**
   * To be called between records, and awaited before the next one: where a target has asynchronous work to do to stay
   * within its memory, it does it here.
   */
  relief(): Promise<void> | undefined;
};
