import { hashWords } from "../../../shared/partition.ts";
import { aligned, allocateWords, maxWords, recycleWords } from "./arena-memory.ts";
import { Cursor } from "./cursor.ts";
import { hashAt, keyLengthAt, sortEntries, type SortedEntries, sortingOverhead } from "./entry-sort.ts";
import { compareKeys } from "./key.ts";
import { copyBytes, maxVarint, putVarint } from "./packed.ts";

/** After the words that every entry has: the length in bytes of the packed value, which follows the key. */
const packedLengthAt = 2;
const header = 3 * 4;

/** Bytes that a record needs besides its own memory: its place in the list, and what sorting needs. */
const recordOverhead = 4 + sortingOverhead;

const firstOffsets = 4096;

/** How many records are prefetched into the processor's cache together, and the size of a cache line in bytes. */
const fetchedTogether = 32;
const cacheLine = 64;

/**
 * Records in memory one by one, for keys that hardly repeat, so there is no lookup table. The memory is reserved at once, but the
 * system allocates pages on first use, so only the filled part is occupied.
 */
export class RecordArena {
  readonly #memory: number;
  /** Records start at multiples of 4. */
  #bytes: Buffer;
  #words: Int32Array;
  #used = 0;
  #records = 0;
  #offsets = new Int32Array(firstOffsets);

  /** @param memory maximum bytes to occupy, except that a single record can be larger */
  constructor(memory: number) {
    this.#memory = Math.min(memory, maxWords);
    [this.#bytes, this.#words] = allocateWords(this.#memory);
  }

  get records(): number {
    return this.#records;
  }

  /** The occupied part of the memory, 0 to 1, or more for a single large record. */
  get fullness(): number {
    return (this.#used + this.#records * recordOverhead) / this.#memory;
  }

  /** Whether there is room for a record of `length` bytes. An empty arena accepts any length. */
  fits(length: number): boolean {
    if (this.#records === 0) return true;
    const end = this.#used + aligned(header + length + maxVarint);
    return end + (this.#records + 1) * recordOverhead <= this.#memory;
  }

  /** Copies a record, which must fit; see `fits`. */
  add(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const keyLength = keyEnd - keyStart;
    const valueLength = valueEnd - valueStart;
    const offset = this.#used;
    const most = offset + header + keyLength + maxVarint + valueLength;
    if (most > this.#bytes.length) {
      const [grown, words] = allocateWords(most);
      this.#bytes.copy(grown, 0, 0, this.#used);
      [this.#bytes, this.#words] = [grown, words];
    }
    const own = this.#bytes;
    const value = copyBytes(bytes, keyStart, keyEnd, own, offset + header);
    const end = copyBytes(bytes, valueStart, valueEnd, own, putVarint(own, value, valueLength));
    const word = offset >> 2;
    this.#words[word + hashAt] = hashWords(this.#words, word + header / 4, keyLength);
    this.#words[word + keyLengthAt] = keyLength;
    this.#words[word + packedLengthAt] = end - value;
    if (this.#records === this.#offsets.length) {
      const grown = new Int32Array(2 * this.#records);
      grown.set(this.#offsets);
      this.#offsets = grown;
    }
    this.#offsets[this.#records++] = offset;
    this.#used = aligned(end);
  }

  /** Removes all records, and gives back the extra memory of a large one. */
  clear(): void {
    this.#used = 0;
    this.#records = 0;
    if (this.#bytes.length > aligned(this.#memory)) [this.#bytes, this.#words] = allocateWords(this.#memory);
  }

  /** Gives back the memory. Records added later are lost: a module can call its `emit` long after its task has ended. */
  dispose(): void {
    recycleWords(this.#bytes);
    [this.#bytes, this.#words] = allocateWords(0);
    this.clear();
  }

  /**
   * Sorts by partition, then by key, then by order of addition.
   * @returns a cursor for each partition, valid until the arena changes
   */
  sort(partitions: number): Cursor[] {
    const [bytes, words] = [this.#bytes, this.#words];
    const entries = { bytes, words, offsets: this.#offsets, count: this.#records, header };
    return sortEntries(entries, partitions).map((order) => new RecordCursor(bytes, words, order));
  }
}

/** Iterates over sorted records. */
class RecordCursor extends Cursor {
  /** Keeps the engine from optimizing away the reads that only prefetch memory. */
  fetched = 0;
  readonly #words: Int32Array;
  readonly #order: SortedEntries;
  #position = 0;

  constructor(bytes: Buffer, words: Int32Array, order: SortedEntries) {
    super();
    this.bytes = bytes;
    this.valueBytes = bytes;
    this.count = 1;
    this.prefix = -1;
    this.#words = words;
    this.#order = order;
  }

  override next(): boolean {
    const offset = this.#order.offsets[this.#position];
    if (offset === undefined) return false;
    if (this.#position % fetchedTogether === 0) this.#fetch();
    const word = offset >> 2;
    const start = offset + header;
    const end = start + (this.#words[word + keyLengthAt] ?? 0);
    const prefix = this.#order.prefixes[this.#position] ?? 0;
    this.continued =
      prefix === this.prefix && compareKeys(this.bytes, start, end, this.bytes, this.keyStart, this.keyEnd) === 0;
    this.prefix = prefix;
    this.keyStart = start;
    this.keyEnd = end;
    this.valuesStart = end;
    this.valuesEnd = end + (this.#words[word + packedLengthAt] ?? 0);
    this.#position++;
    return true;
  }

  /** Prefetches the next records, which are scattered in memory, so that the waits for them overlap. */
  #fetch(): void {
    const { offsets } = this.#order;
    const after = Math.min(offsets.length, this.#position + fetchedTogether);
    let fetched = 0;
    for (let position = this.#position; position < after; position++) {
      const offset = offsets[position] ?? 0;
      fetched ^= (this.#words[offset >> 2] ?? 0) ^ (this.bytes[offset + cacheLine] ?? 0);
    }
    this.fetched = fetched;
  }
}
