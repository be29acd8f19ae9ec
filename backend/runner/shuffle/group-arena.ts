import { hashKey } from "../../../shared/partition.ts";
import { aligned, allocateWords, maxWords, recycleWords } from "./arena-memory.ts";
import { Cursor } from "./cursor.ts";
import { hashAt, keyLengthAt, sortEntries, type SortedEntries, sortingOverhead } from "./entry-sort.ts";
import { copyBytes, maxVarint, putVarint, VarintReader } from "./packed.ts";

/**
 * The words of a key's entry, between the words that every entry has and the key itself: the block of values being filled, where
 * the next value goes, and where the block ends, as offsets in bytes. Everything that adding a value to a known key touches lies
 * side by side.
 */
const blockAt = 2;
const writeAt = 3;
const endAt = 4;
/** The number of values in the block being filled. */
const countAt = 5;
const entryHeader = 6 * 4;

/** The words of a block before its values: the next block (0 for none), where its values end, and how many there are. */
const nextAt = 0;
const valuesEndAt = 1;
const valueCountAt = 2;
const blockHeader = 3 * 4;

/** Bytes for values in the first block of a key. Each further block is twice as large, up to the largest. */
const firstRoom = 8;
const largestRoom = 64 * 1024;

/** Bytes that a key needs besides its entry: its place in the list, two slots, and what sorting needs. */
const keyOverhead = 4 + 2 * 4 + sortingOverhead;

const firstSlots = 1024;

/** Maximum records that are looked up together, and their bytes. A longer record is looked up alone. */
const stageRecords = 256;
const stageBytes = 32 * 1024;

/**
 * Records in memory, grouped: each key is stored once, with its values in a chain of blocks. Only distinct keys are therefore
 * sorted, and a map output with repeated keys takes a fraction of its size. The memory is reserved at once, but the system
 * allocates pages on first use, so only the filled part is occupied.
 *
 * Nearly all of the time is spent waiting for memory: for the slot, the entry and the block of a key, one after another. Records
 * are therefore gathered in a staging buffer. The slots of all staged records are read first, then the entries, then the blocks,
 * so that each of these loops waits for many memory locations at once.
 */
export class GroupArena {
  readonly #memory: number;
  /** The same memory as bytes and as words. Entries and blocks start at multiples of 4. */
  #bytes: Buffer;
  #words: Int32Array;
  /** Starts at 4, so that 0 is never a valid offset. */
  #used = 4;
  #records = 0;
  #keys = 0;
  /** The offset of each key's entry. */
  #entries = new Int32Array(firstSlots);
  /** An open-addressing hash table of entry offsets; 0 is a free slot. At most half full. */
  #slots = new Int32Array(firstSlots);
  /** The staging buffer: keys, each followed by its packed value; then where each record ends, and what is known about it. */
  readonly #stage = Buffer.allocUnsafeSlow(stageBytes);
  readonly #stageEnds = new Int32Array(stageRecords + 1);
  readonly #stageKeyLengths = new Int32Array(stageRecords);
  readonly #stageHashes = new Int32Array(stageRecords);
  readonly #stageEntries = new Int32Array(stageRecords);
  #staged = 0;
  /** Keeps the engine from optimizing away the reads that only prefetch memory. */
  fetched = 0;

  /** @param memory maximum bytes to occupy, except that a single record can be larger */
  constructor(memory: number) {
    this.#memory = Math.min(memory, maxWords);
    [this.#bytes, this.#words] = allocateWords(this.#memory);
  }

  get records(): number {
    return this.#records;
  }

  /** The number of distinct keys. */
  get keys(): number {
    this.#settle();
    return this.#keys;
  }

  /** The occupied part of the memory, 0 to 1, or more for a single large record. Approximate, because of staged records. */
  get fullness(): number {
    // In a small memory, staged records are not negligible.
    if (this.#memory < 64 * stageBytes) this.#settle();
    return (this.#used + this.#keys * keyOverhead) / this.#memory;
  }

  /** Whether there is room for a record of `length` bytes. An empty arena accepts any length. */
  fits(length: number): boolean {
    if (this.#records === 0) return true;
    if (this.#wouldFit(length + (this.#stageEnds[this.#staged] ?? 0), this.#staged + 1)) return true;
    this.#settle();
    return this.#wouldFit(length, 1);
  }

  /** Copies a record, which must fit; see `fits`. */
  add(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const hash = hashKey(bytes, keyStart, keyEnd);
    const keyLength = keyEnd - keyStart;
    const valueLength = valueEnd - valueStart;
    const length = keyLength + maxVarint + valueLength;
    if (this.#staged === stageRecords || (this.#stageEnds[this.#staged] ?? 0) + length > stageBytes) this.#settle();
    this.#records++;
    const long = length > stageBytes;
    const stage = long ? Buffer.allocUnsafe(length) : this.#stage;
    const start = long ? 0 : (this.#stageEnds[this.#staged] ?? 0);
    const value = copyBytes(bytes, keyStart, keyEnd, stage, start);
    const end = copyBytes(bytes, valueStart, valueEnd, stage, putVarint(stage, value, valueLength));
    if (long) {
      this.#append(this.#find(hash | 0, stage, 0, keyLength, end - value), stage, value, end);
      return;
    }
    this.#stageHashes[this.#staged] = hash;
    this.#stageKeyLengths[this.#staged] = keyLength;
    this.#stageEnds[++this.#staged] = end;
  }

  #wouldFit(bytes: number, records: number): boolean {
    const each = entryHeader + maxVarint + blockHeader + firstRoom + 8 + keyOverhead;
    return this.#used + this.#keys * keyOverhead + bytes + records * each <= this.#memory;
  }

  /** Moves the staged records to their keys' blocks. */
  #settle(): void {
    const staged = this.#staged;
    if (staged === 0) return;
    const slots = this.#slots;
    const words = this.#words;
    const bytes = this.#bytes;
    const mask = slots.length - 1;
    // `?? 0` satisfies the index check of the compiler: every index here is in bounds.
    for (let record = 0; record < staged; record++) {
      this.#stageEntries[record] = slots[(this.#stageHashes[record] ?? 0) & mask] ?? 0;
    }
    let fetched = 0;
    for (let record = 0; record < staged; record++) {
      fetched ^= words[((this.#stageEntries[record] ?? 0) >> 2) + writeAt] ?? 0;
    }
    for (let record = 0; record < staged; record++) {
      fetched ^= bytes[words[((this.#stageEntries[record] ?? 0) >> 2) + writeAt] ?? 0] ?? 0;
    }
    this.fetched = fetched;
    const stage = this.#stage;
    for (let record = 0; record < staged; record++) {
      const start = this.#stageEnds[record] ?? 0;
      const value = start + (this.#stageKeyLengths[record] ?? 0);
      const end = this.#stageEnds[record + 1] ?? 0;
      this.#append(this.#find(this.#stageHashes[record] ?? 0, stage, start, value, end - value), stage, value, end);
    }
    this.#staged = 0;
  }

  /** Appends the packed value in `[value, end)` to the values of an entry. */
  #append(offset: number, from: Buffer, value: number, end: number): void {
    const entry = offset >> 2;
    let write = this.#words[entry + writeAt] ?? 0;
    if (write + end - value > (this.#words[entry + endAt] ?? 0)) write = this.#extend(entry, end - value);
    const words = this.#words;
    words[entry + writeAt] = copyBytes(from, value, end, this.#bytes, write);
    words[entry + countAt] = (words[entry + countAt] ?? 0) + 1;
  }

  /** Removes all records, and gives back the extra memory of a large one. */
  clear(): void {
    this.#used = 4;
    this.#records = 0;
    this.#keys = 0;
    this.#staged = 0;
    this.#entries = new Int32Array(firstSlots);
    this.#slots = new Int32Array(firstSlots);
    if (this.#bytes.length > this.#memory + 4) [this.#bytes, this.#words] = allocateWords(this.#memory);
  }

  /** Gives back the memory. Records added later are lost: a module can call its `emit` long after its task has ended. */
  dispose(): void {
    recycleWords(this.#bytes);
    [this.#bytes, this.#words] = allocateWords(0);
    this.clear();
  }

  /**
   * Sorts by partition, then by key. The values of a key keep the order in which they were added.
   * @returns a cursor for each partition, valid until the arena changes
   */
  sort(partitions: number): Cursor[] {
    this.#settle();
    const words = this.#words;
    const entries = this.#entries;
    const bytes = this.#bytes;
    for (let key = 0; key < this.#keys; key++) this.#closeBlock((entries[key] ?? 0) >> 2);
    const sorted = sortEntries({ bytes, words, offsets: entries, count: this.#keys, header: entryHeader }, partitions);
    return sorted.map((order) => new GroupCursor(bytes, words, order));
  }

  /** Visits every record, the values of each key in order. @param use receives the same arguments as `add` */
  forEach(use: GroupArena["add"]): void {
    const reader = new VarintReader();
    for (const cursor of this.sort(1)) {
      while (cursor.next()) {
        const { bytes, keyStart, keyEnd, valuesEnd } = cursor;
        reader.at = cursor.valuesStart;
        while (reader.at < valuesEnd) {
          const length = reader.read(bytes);
          use(bytes, keyStart, keyEnd, reader.at, reader.at + length);
          reader.at += length;
        }
      }
    }
  }

  /** Returns the offset of a key's entry. Creates the entry if the key is new. */
  #find(hash: number, bytes: Buffer, keyStart: number, keyEnd: number, packed: number): number {
    const words = this.#words;
    const slots = this.#slots;
    const mask = slots.length - 1;
    const keyLength = keyEnd - keyStart;
    let slot = hash & mask;
    for (let entry = slots[slot] ?? 0; entry !== 0; entry = slots[slot] ?? 0) {
      const word = entry >> 2;
      if (words[word + hashAt] === hash && words[word + keyLengthAt] === keyLength) {
        if (this.#hasKey(entry + entryHeader, bytes, keyStart, keyLength)) return entry;
      }
      slot = (slot + 1) & mask;
    }
    return this.#insert(slot, hash, bytes, keyStart, keyEnd, packed);
  }

  #insert(slot: number, hash: number, bytes: Buffer, keyStart: number, keyEnd: number, packed: number): number {
    const entry = this.#used;
    const block = aligned(entry + entryHeader + keyEnd - keyStart);
    const end = aligned(block + blockHeader + Math.max(firstRoom, packed));
    this.#reserve(end);
    const word = entry >> 2;
    this.#words[word + hashAt] = hash;
    this.#words[word + keyLengthAt] = keyEnd - keyStart;
    copyBytes(bytes, keyStart, keyEnd, this.#bytes, entry + entryHeader);
    this.#openBlock(word, block, end);
    this.#slots[slot] = entry;
    if (this.#keys === this.#entries.length) {
      const grown = new Int32Array(2 * this.#keys);
      grown.set(this.#entries);
      this.#entries = grown;
    }
    this.#entries[this.#keys++] = entry;
    if (this.#keys * 2 > this.#slots.length) this.#growSlots();
    return entry;
  }

  #hasKey(at: number, bytes: Buffer, keyStart: number, length: number): boolean {
    const own = this.#bytes;
    if (length > 64) return own.compare(bytes, keyStart, keyStart + length, at, at + length) === 0;
    for (let index = 0; index < length; index++) {
      if (own[at + index] !== bytes[keyStart + index]) return false;
    }
    return true;
  }

  #openBlock(entry: number, block: number, end: number): void {
    const words = this.#words;
    words[(block >> 2) + nextAt] = 0;
    words[entry + blockAt] = block;
    words[entry + writeAt] = block + blockHeader;
    words[entry + endAt] = end;
    words[entry + countAt] = 0;
    this.#used = end;
  }

  #closeBlock(entry: number): void {
    const words = this.#words;
    const block = (words[entry + blockAt] ?? 0) >> 2;
    words[block + valuesEndAt] = words[entry + writeAt] ?? 0;
    words[block + valueCountAt] = words[entry + countAt] ?? 0;
  }

  /** Adds a block to a key. @param entry the offset of the key's entry, in words @returns where the block's values start */
  #extend(entry: number, packed: number): number {
    const block = this.#words[entry + blockAt] ?? 0;
    const room = (this.#words[entry + endAt] ?? 0) - block - blockHeader;
    const next = this.#used;
    const free = this.#memory - this.#keys * keyOverhead - next - blockHeader - 4;
    const end = aligned(next + blockHeader + Math.max(packed, Math.min(2 * room, largestRoom, free)));
    this.#reserve(end);
    this.#closeBlock(entry);
    this.#words[(block >> 2) + nextAt] = next;
    this.#openBlock(entry, next, end);
    return next + blockHeader;
  }

  /** Makes room for a single record that is larger than the memory. */
  #reserve(end: number): void {
    if (end <= this.#bytes.length) return;
    const [bytes, words] = allocateWords(end);
    this.#bytes.copy(bytes, 0, 0, this.#used);
    [this.#bytes, this.#words] = [bytes, words];
  }

  #growSlots(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let key = 0; key < this.#keys; key++) {
      const entry = this.#entries[key] ?? 0;
      let slot = (this.#words[(entry >> 2) + hashAt] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
    this.#slots = slots;
  }
}

/** Iterates over the blocks of sorted keys. */
class GroupCursor extends Cursor {
  readonly #words: Int32Array;
  readonly #order: SortedEntries;
  #position = 0;
  #block = 0;

  constructor(bytes: Buffer, words: Int32Array, order: SortedEntries) {
    super();
    this.bytes = bytes;
    this.valueBytes = bytes;
    this.#words = words;
    this.#order = order;
  }

  override next(): boolean {
    const words = this.#words;
    this.continued = this.#block !== 0;
    if (!this.continued) {
      const entry = this.#order.offsets[this.#position];
      if (entry === undefined) return false;
      this.keyStart = entry + entryHeader;
      this.keyEnd = this.keyStart + (words[(entry >> 2) + keyLengthAt] ?? 0);
      this.prefix = this.#order.prefixes[this.#position] ?? 0;
      // The first block follows the key.
      this.#block = aligned(this.keyEnd);
      this.#position++;
    }
    const block = this.#block >> 2;
    this.valuesStart = this.#block + blockHeader;
    this.valuesEnd = words[block + valuesEndAt] ?? 0;
    this.count = words[block + valueCountAt] ?? 0;
    this.#block = words[block + nextAt] ?? 0;
    return true;
  }
}
