import { partitionOf } from "../../../shared/partition.ts";
import { compareKeys, keyPrefix } from "./key.ts";

/** The words that every entry starts with: the hash of its key, and the length of the key in bytes. */
export const hashAt = 0;
export const keyLengthAt = 1;

/** Entries in memory, each with a key. */
export type Entries = {
  /** The same memory as bytes and as words. */
  readonly bytes: Buffer;
  readonly words: Int32Array;
  /** Where each of the `count` entries starts, in bytes: multiples of 4. The array can be longer. */
  readonly offsets: Int32Array;
  readonly count: number;
  /** Bytes that precede the key in an entry. */
  readonly header: number;
};

/** Entries in order: where each starts, and the prefix of its key. */
export type SortedEntries = { readonly offsets: Int32Array; readonly prefixes: Float64Array };

/** Bytes that sorting needs per entry: its prefix and its offset, twice. */
export const sortingOverhead = 2 * (8 + 4);

/** Entries are distributed to buckets of about this size. */
const bucketEntries = 8;

/** Maximum number of buckets, but at least one per partition. Writing to more of them at once gets slow. */
const mostBuckets = 65_536;

/** Runs of this many entries are sorted by insertion, which is fastest for so few. */
const smallRun = 16;

/**
 * Sorts by partition of the key, then by key. The sort is stable: equal keys keep their order. One pass over the entries reads
 * the prefixes of the keys. A counting sort then distributes them to buckets that divide the range of prefixes evenly. The
 * entries of a bucket fit into the processor's cache and are merge-sorted; the prefixes move along with the offsets.
 * @returns the sorted entries of each partition
 */
export function sortEntries(entries: Entries, partitions: number): SortedEntries[] {
  const { bytes, words, offsets, count, header } = entries;
  const unsorted = new Float64Array(count);
  let least = Infinity;
  let largest = 0;
  // `?? 0` satisfies the index check of the compiler: every index here is in bounds.
  for (let index = 0; index < count; index++) {
    const offset = offsets[index] ?? 0;
    const key = offset + header;
    const prefix = keyPrefix(bytes, key, key + (words[(offset >> 2) + keyLengthAt] ?? 0));
    unsorted[index] = prefix;
    if (prefix < least) least = prefix;
    if (prefix > largest) largest = prefix;
  }
  const each = Math.max(1, Math.floor(Math.min(mostBuckets, count / bucketEntries) / partitions));
  const last = each - 1;
  const scale = each / (largest - least + 1);
  // First the counts, then the starts, and finally the ends of each bucket.
  const ends = new Uint32Array(partitions * each + 1);
  // The bucket of each entry, in memory that sorting uses later.
  const spare = { offsets: new Int32Array(count), prefixes: unsorted };
  const buckets = spare.offsets;
  for (let index = 0; index < count; index++) {
    const hash = words[((offsets[index] ?? 0) >> 2) + hashAt] ?? 0;
    // Rounding can lead one bucket too far.
    const within = Math.min(last, Math.floor(((unsorted[index] ?? 0) - least) * scale));
    const bucket = partitionOf(hash >>> 0, partitions) * each + within;
    buckets[index] = bucket;
    ends[bucket + 1] = (ends[bucket + 1] ?? 0) + 1;
  }
  for (let bucket = 1; bucket < ends.length; bucket++) ends[bucket] = (ends[bucket] ?? 0) + (ends[bucket - 1] ?? 0);
  const sorted = { offsets: new Int32Array(count), prefixes: new Float64Array(count) };
  for (let index = 0; index < count; index++) {
    const bucket = buckets[index] ?? 0;
    const place = ends[bucket] ?? 0;
    sorted.prefixes[place] = unsorted[index] ?? 0;
    sorted.offsets[place] = offsets[index] ?? 0;
    ends[bucket] = place + 1;
  }
  const sorter = new Sorter(entries, sorted, spare);
  const all: SortedEntries[] = [];
  for (let partition = 0, bucket = 0, start = 0; partition < partitions; partition++) {
    const first = start;
    for (const after = bucket + each; bucket < after; bucket++) {
      const end = ends[bucket] ?? 0;
      sorter.sort(start, end);
      start = end;
    }
    all.push({ offsets: sorted.offsets.subarray(first, start), prefixes: sorted.prefixes.subarray(first, start) });
  }
  return all;
}

class Sorter {
  readonly #entries: Entries;
  readonly #sorted: SortedEntries;
  readonly #spare: SortedEntries;

  /** @param spare working memory of the same size as `sorted` */
  constructor(entries: Entries, sorted: SortedEntries, spare: SortedEntries) {
    this.#entries = entries;
    this.#sorted = sorted;
    this.#spare = spare;
  }

  sort(start: number, end: number): void {
    for (let run = start; run < end; run += smallRun) this.#insertionSort(run, Math.min(run + smallRun, end));
    let from = this.#sorted;
    let to = this.#spare;
    for (let width = smallRun; width < end - start; width *= 2) {
      for (let left = start; left < end; left += 2 * width) {
        this.#merge(from, to, left, Math.min(left + width, end), Math.min(left + 2 * width, end));
      }
      [from, to] = [to, from];
    }
    if (from === this.#sorted) return;
    this.#sorted.prefixes.set(from.prefixes.subarray(start, end), start);
    this.#sorted.offsets.set(from.offsets.subarray(start, end), start);
  }

  #insertionSort(start: number, end: number): void {
    const { prefixes, offsets } = this.#sorted;
    for (let next = start + 1; next < end; next++) {
      const prefix = prefixes[next] ?? 0;
      const offset = offsets[next] ?? 0;
      let place = next;
      for (; place > start; place--) {
        const before = prefixes[place - 1] ?? 0;
        if (before < prefix || (before === prefix && this.#compare(offsets[place - 1] ?? 0, offset) <= 0)) break;
        prefixes[place] = before;
        offsets[place] = offsets[place - 1] ?? 0;
      }
      prefixes[place] = prefix;
      offsets[place] = offset;
    }
  }

  /** Merges the sorted `[start, middle)` and `[middle, end)`. */
  #merge(from: SortedEntries, to: SortedEntries, start: number, middle: number, end: number): void {
    const { prefixes, offsets } = from;
    let left = start;
    let right = middle;
    let target = start;
    for (; left < middle && right < end; target++) {
      const a = prefixes[left] ?? 0;
      const b = prefixes[right] ?? 0;
      if (a < b || (a === b && this.#compare(offsets[left] ?? 0, offsets[right] ?? 0) <= 0)) {
        to.prefixes[target] = a;
        to.offsets[target] = offsets[left++] ?? 0;
      } else {
        to.prefixes[target] = b;
        to.offsets[target] = offsets[right++] ?? 0;
      }
    }
    for (; left < middle; left++, target++) {
      to.prefixes[target] = prefixes[left] ?? 0;
      to.offsets[target] = offsets[left] ?? 0;
    }
    for (; right < end; right++, target++) {
      to.prefixes[target] = prefixes[right] ?? 0;
      to.offsets[target] = offsets[right] ?? 0;
    }
  }

  /** Compares the keys of two entries whose prefixes are equal. */
  #compare(a: number, b: number): number {
    const { bytes, words, header } = this.#entries;
    const aKey = a + header;
    const bKey = b + header;
    const aEnd = aKey + (words[(a >> 2) + keyLengthAt] ?? 0);
    const bEnd = bKey + (words[(b >> 2) + keyLengthAt] ?? 0);
    return compareKeys(bytes, aKey, aEnd, bytes, bKey, bEnd);
  }
}
