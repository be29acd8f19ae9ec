import { Cursor } from "./cursor.ts";
import { compareKeys, keyPrefix } from "./key.ts";
import { mergeSort } from "./merge-sort.ts";

/** What the arrays below need for a record: offset, two lengths, partition, prefix, and its places in the sorted order. */
const recordOverhead = 4 + 4 + 4 + 4 + 8 + 2 * 4;

/** Offsets are 32-bit. */
const maxMemory = 0xffff_ffff;

/** Keys and values are copied by hand up to this many bytes: a call into the engine costs more. */
const shortCopy = 48;

/**
 * Records in memory: their bytes one after another in one buffer, and all else about them in typed arrays. The memory is
 * reserved at once but, as the system gives out pages on first use, occupied only as far as it is filled.
 */
export class RecordArena {
  readonly #memory: number;
  #bytes: Buffer;
  #used = 0;
  #records = 0;
  readonly #offsets: Uint32Array;
  readonly #keyLengths: Uint32Array;
  readonly #valueLengths: Uint32Array;
  readonly #partitions: Uint32Array;
  readonly #prefixes: Float64Array;
  readonly #order: Uint32Array;
  readonly #spareOrder: Uint32Array;

  /** @param memory bytes to occupy at most, except that a single record may be larger */
  constructor(memory: number) {
    this.#memory = Math.min(memory, maxMemory);
    const records = Math.max(1, Math.floor(this.#memory / recordOverhead));
    this.#bytes = Buffer.allocUnsafeSlow(this.#memory);
    this.#offsets = new Uint32Array(records);
    this.#keyLengths = new Uint32Array(records);
    this.#valueLengths = new Uint32Array(records);
    this.#partitions = new Uint32Array(records);
    this.#prefixes = new Float64Array(records);
    this.#order = new Uint32Array(records);
    this.#spareOrder = new Uint32Array(records);
  }

  get records(): number {
    return this.#records;
  }

  /** The occupied part of the memory, 0 to 1, or more for a single large record. */
  get fullness(): number {
    return (this.#used + this.#records * recordOverhead) / this.#memory;
  }

  /** Whether there is room for a record of that many bytes. An empty arena takes any. */
  fits(length: number): boolean {
    return this.#records === 0 || this.#used + length + (this.#records + 1) * recordOverhead <= this.#memory;
  }

  /** Copies a record. Only where it `fits`. */
  add(partition: number, bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const keyLength = keyEnd - keyStart;
    const valueLength = valueEnd - valueStart;
    const end = this.#used + keyLength + valueLength;
    if (end > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(end);
    const record = this.#records++;
    this.#offsets[record] = this.#used;
    this.#keyLengths[record] = keyLength;
    this.#valueLengths[record] = valueLength;
    this.#partitions[record] = partition;
    this.#prefixes[record] = keyPrefix(bytes, keyStart, keyEnd);
    copy(bytes, keyStart, keyEnd, this.#bytes, this.#used);
    copy(bytes, valueStart, valueEnd, this.#bytes, this.#used + keyLength);
    this.#used = end;
  }

  /** Forgets all records, and gives back the memory of a large one. */
  clear(): void {
    this.#used = 0;
    this.#records = 0;
    if (this.#bytes.length > this.#memory) this.#bytes = Buffer.allocUnsafeSlow(this.#memory);
  }

  /**
   * Sorts: by partition, then key, then order of addition.
   * @returns a cursor for each partition, valid until the arena changes
   */
  sort(partitions: number): Cursor[] {
    // A counting sort by partition: `ends` are first the counts, then the starts, then the ends of each one's records.
    const ends = new Uint32Array(partitions + 1);
    for (let record = 0; record < this.#records; record++) {
      const after = (this.#partitions[record] ?? 0) + 1;
      ends[after] = (ends[after] ?? 0) + 1;
    }
    for (let partition = 1; partition <= partitions; partition++) {
      ends[partition] = (ends[partition] ?? 0) + (ends[partition - 1] ?? 0);
    }
    for (let record = 0; record < this.#records; record++) {
      const partition = this.#partitions[record] ?? 0;
      const place = ends[partition] ?? 0;
      this.#order[place] = record;
      ends[partition] = place + 1;
    }
    const cursors: Cursor[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      const start = partition === 0 ? 0 : (ends[partition - 1] ?? 0);
      const end = ends[partition] ?? 0;
      mergeSort(this.#order, this.#spareOrder, start, end, this.#compare);
      cursors.push(new ArenaCursor(this.#bytes, this.#order.subarray(start, end), this.#locate));
    }
    return cursors;
  }

  readonly #compare = (a: number, b: number): number => {
    const difference = (this.#prefixes[a] ?? 0) - (this.#prefixes[b] ?? 0);
    if (difference !== 0) return difference;
    const aStart = this.#offsets[a] ?? 0;
    const bStart = this.#offsets[b] ?? 0;
    const aEnd = aStart + (this.#keyLengths[a] ?? 0);
    const bEnd = bStart + (this.#keyLengths[b] ?? 0);
    return compareKeys(this.#bytes, aStart, aEnd, this.#bytes, bStart, bEnd);
  };

  readonly #locate = (record: number, cursor: Cursor): void => {
    cursor.keyStart = this.#offsets[record] ?? 0;
    cursor.keyEnd = cursor.keyStart + (this.#keyLengths[record] ?? 0);
    cursor.valueEnd = cursor.keyEnd + (this.#valueLengths[record] ?? 0);
    cursor.prefix = this.#prefixes[record] ?? 0;
  };
}

/** Walks over the records of an arena in sorted order. */
class ArenaCursor extends Cursor {
  readonly #order: Uint32Array;
  readonly #locate: (record: number, cursor: Cursor) => void;
  #position = 0;

  constructor(bytes: Buffer, order: Uint32Array, locate: (record: number, cursor: Cursor) => void) {
    super();
    this.bytes = bytes;
    this.#order = order;
    this.#locate = locate;
  }

  override next(): boolean {
    const record = this.#order[this.#position];
    if (record === undefined) return false;
    this.#position++;
    this.#locate(record, this);
    return true;
  }
}

function copy(from: Buffer, start: number, end: number, to: Buffer, at: number): void {
  if (end - start > shortCopy) from.copy(to, at, start, end);
  else for (let index = start, target = at; index < end; index++, target++) to[target] = from[index] ?? 0;
}
