import { compareKeys, keyPrefix } from "./key.ts";
import { sortByPartition, type SortedItems } from "./prefix-sort.ts";

/** Rows of numbers, each with a key in `bytes`: where a row has the key's hash, its offset and its length. */
type KeyedRows = {
  readonly bytes: Buffer;
  readonly rows: Uint32Array;
  readonly count: number;
  /** Numbers in a row. */
  readonly words: number;
  readonly hashAt: number;
  readonly keyAt: number;
  readonly keyLengthAt: number;
};

/** Sorts rows by the partition of their key (its hash modulo `partitions`), then by key, stably. @returns one entry a partition */
export function sortRows(of: KeyedRows, partitions: number): SortedItems[] {
  const { bytes, rows, count, words, hashAt, keyAt, keyLengthAt } = of;
  // `?? 0` satisfies the index check of the compiler: every index here is in bounds.
  const start = (row: number): number => rows[row * words + keyAt] ?? 0;
  const end = (row: number): number => start(row) + (rows[row * words + keyLengthAt] ?? 0);
  return sortByPartition(
    {
      length: count,
      hash: (row) => rows[row * words + hashAt] ?? 0,
      prefix: (row) => keyPrefix(bytes, start(row), end(row)),
      compareTies: (a, b) => compareKeys(bytes, start(a), end(a), bytes, start(b), end(b)),
    },
    partitions,
  );
}
