import { partitionOf } from "../../../shared/partition.ts";

/** Runs of this many are sorted by insertion, which is the fastest for so few. */
const smallRun = 16;

/** What is to be sorted: items 0 to `length - 1`. */
export type Sortable = {
  readonly length: number;
  /** Of the key: it decides the partition. */
  hash(item: number): number;
  /** Items are sorted by this number first. */
  prefix(item: number): number;
  /** Compares two items whose prefixes are equal: below 0 where the first belongs first. */
  compareTies(a: number, b: number): number;
};

/** The items of a partition in order, each with its prefix. */
export type SortedItems = { readonly items: Uint32Array; readonly prefixes: Float64Array };

/**
 * Sorts by partition, then by prefix, stably: equal items keep their order. A counting sort by partition, and a merge sort
 * that moves the prefixes along with the items, so that almost everything is read and written in sequence.
 * @returns one entry a partition
 */
export function sortByPartition(sortable: Sortable, partitions: number): SortedItems[] {
  const { length } = sortable;
  // First the counts, then the starts, then the ends of each partition's items.
  const ends = new Uint32Array(partitions + 1);
  // `?? 0` satisfies the index check of the compiler: every index here is in bounds.
  for (let item = 0; item < length; item++) {
    const after = partitionOf(sortable.hash(item), partitions) + 1;
    ends[after] = (ends[after] ?? 0) + 1;
  }
  for (let partition = 1; partition <= partitions; partition++) {
    ends[partition] = (ends[partition] ?? 0) + (ends[partition - 1] ?? 0);
  }
  const prefixes = new Float64Array(length);
  const items = new Uint32Array(length);
  for (let item = 0; item < length; item++) {
    const partition = partitionOf(sortable.hash(item), partitions);
    const place = ends[partition] ?? 0;
    prefixes[place] = sortable.prefix(item);
    items[place] = item;
    ends[partition] = place + 1;
  }
  const sorter = new Sorter(prefixes, items, (a, b) => sortable.compareTies(a, b));
  const sorted: SortedItems[] = [];
  for (let partition = 0, start = 0; partition < partitions; partition++) {
    const end = ends[partition] ?? 0;
    sorter.sort(start, end);
    sorted.push({ items: items.subarray(start, end), prefixes: prefixes.subarray(start, end) });
    start = end;
  }
  return sorted;
}

type CompareTies = (a: number, b: number) => number;

class Sorter {
  readonly #prefixes: Float64Array;
  readonly #items: Uint32Array;
  readonly #sparePrefixes: Float64Array;
  readonly #spareItems: Uint32Array;
  readonly #compareTies: CompareTies;

  constructor(prefixes: Float64Array, items: Uint32Array, compareTies: CompareTies) {
    this.#prefixes = prefixes;
    this.#items = items;
    this.#sparePrefixes = new Float64Array(items.length);
    this.#spareItems = new Uint32Array(items.length);
    this.#compareTies = compareTies;
  }

  sort(start: number, end: number): void {
    for (let run = start; run < end; run += smallRun) this.#insertionSort(run, Math.min(run + smallRun, end));
    let [fromPrefixes, fromItems, toPrefixes, toItems] = [
      this.#prefixes,
      this.#items,
      this.#sparePrefixes,
      this.#spareItems,
    ];
    for (let width = smallRun; width < end - start; width *= 2) {
      for (let left = start; left < end; left += 2 * width) {
        const middle = Math.min(left + width, end);
        const right = Math.min(left + 2 * width, end);
        mergeRuns(fromPrefixes, fromItems, toPrefixes, toItems, left, middle, right, this.#compareTies);
      }
      [fromPrefixes, fromItems, toPrefixes, toItems] = [toPrefixes, toItems, fromPrefixes, fromItems];
    }
    if (fromItems === this.#items) return;
    this.#prefixes.set(fromPrefixes.subarray(start, end), start);
    this.#items.set(fromItems.subarray(start, end), start);
  }

  #insertionSort(start: number, end: number): void {
    const prefixes = this.#prefixes;
    const items = this.#items;
    for (let next = start + 1; next < end; next++) {
      const prefix = prefixes[next] ?? 0;
      const item = items[next] ?? 0;
      let place = next;
      for (; place > start; place--) {
        const before = prefixes[place - 1] ?? 0;
        if (before < prefix || (before === prefix && this.#compareTies(items[place - 1] ?? 0, item) <= 0)) break;
        prefixes[place] = before;
        items[place] = items[place - 1] ?? 0;
      }
      prefixes[place] = prefix;
      items[place] = item;
    }
  }
}

/** Merges the sorted `[start, middle)` and `[middle, end)`. */
function mergeRuns(
  prefixes: Float64Array,
  items: Uint32Array,
  toPrefixes: Float64Array,
  toItems: Uint32Array,
  start: number,
  middle: number,
  end: number,
  compareTies: CompareTies,
): void {
  let left = start;
  let right = middle;
  let target = start;
  while (left < middle && right < end) {
    const a = prefixes[left] ?? 0;
    const b = prefixes[right] ?? 0;
    if (a < b || (a === b && compareTies(items[left] ?? 0, items[right] ?? 0) <= 0)) {
      toPrefixes[target] = a;
      toItems[target++] = items[left++] ?? 0;
    } else {
      toPrefixes[target] = b;
      toItems[target++] = items[right++] ?? 0;
    }
  }
  for (; left < middle; left++, target++) {
    toPrefixes[target] = prefixes[left] ?? 0;
    toItems[target] = items[left] ?? 0;
  }
  for (; right < end; right++, target++) {
    toPrefixes[target] = prefixes[right] ?? 0;
    toItems[target] = items[right] ?? 0;
  }
}
