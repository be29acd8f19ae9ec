import { compareKeys, keyPrefix } from "./key.ts";
import { sortByPartition, type SortedItems } from "./prefix-sort.ts";

/** Items with a key each, in `bytes`. */
type Keyed = {
  readonly bytes: Buffer;
  readonly count: number;
  readonly hash: (item: number) => number;
  /** Where the key begins, and how many bytes it has. */
  readonly start: (item: number) => number;
  readonly length: (item: number) => number;
};

/** Sorts by the partition of the keys (their hash modulo `partitions`), then by key, stably. @returns one entry a partition */
export function sortKeyed({ bytes, count, hash, start, length }: Keyed, partitions: number): SortedItems[] {
  const end = (item: number): number => start(item) + length(item);
  return sortByPartition(
    {
      length: count,
      hash,
      prefix: (item) => keyPrefix(bytes, start(item), end(item)),
      compareTies: (a, b) => compareKeys(bytes, start(a), end(a), bytes, start(b), end(b)),
    },
    partitions,
  );
}
