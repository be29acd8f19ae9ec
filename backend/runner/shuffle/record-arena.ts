import { Cursor } from "./cursor.ts";
import { compareKeys } from "./key.ts";
import { copyBytes, maxVarint, putVarint } from "./packed.ts";
import { sortKeyed } from "./keyed.ts";
import type { SortedItems } from "./prefix-sort.ts";

/** The words of a record's row. Its packed value follows its key. */
const keyAt = 0;
const keyLengthAt = 1;
const packedLengthAt = 2;
const hashAt = 3;
const rowWords = 4;

/** What a record needs besides its bytes: its row, and its places while sorting. */
const recordOverhead = rowWords * 4 + 2 * (8 + 4);

/** Offsets are 32-bit. */
const maxMemory = 0xffff_ffff;

/**
 * Records in memory one by one, for keys that hardly repeat: there is no table to look them up in. The memory is reserved at
 * once but, as the system gives out pages on first use, occupied only as far as it is filled.
 */
export class RecordArena {
  readonly #memory: number;
  #bytes: Buffer;
  #used = 0;
  #records = 0;
  readonly #rows: Uint32Array;

  /** @param memory bytes to occupy at most, except that a single record may be larger */
  constructor(memory: number) {
    this.#memory = Math.min(memory, maxMemory);
    this.#bytes = Buffer.allocUnsafeSlow(this.#memory);
    this.#rows = new Uint32Array(Math.max(1, Math.floor(this.#memory / recordOverhead)) * rowWords);
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
    const needed = length + maxVarint;
    return this.#records === 0 || this.#used + needed + (this.#records + 1) * recordOverhead <= this.#memory;
  }

  /** Copies a record. Only where it `fits`. @param hash of the key: `hashKey` */
  add(hash: number, bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const keyLength = keyEnd - keyStart;
    const valueLength = valueEnd - valueStart;
    const most = this.#used + keyLength + maxVarint + valueLength;
    if (most > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(most);
      this.#bytes.copy(grown, 0, 0, this.#used);
      this.#bytes = grown;
    }
    const row = this.#records++ * rowWords;
    const value = copyBytes(bytes, keyStart, keyEnd, this.#bytes, this.#used);
    const end = copyBytes(bytes, valueStart, valueEnd, this.#bytes, putVarint(this.#bytes, value, valueLength));
    this.#rows[row + keyAt] = this.#used;
    this.#rows[row + keyLengthAt] = keyLength;
    this.#rows[row + packedLengthAt] = end - value;
    this.#rows[row + hashAt] = hash;
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
    const bytes = this.#bytes;
    const rows = this.#rows;
    // `?? 0` satisfies the index check of the compiler: every index here is in bounds.
    const keyed = {
      bytes,
      count: this.#records,
      hash: (record: number) => rows[record * rowWords + hashAt] ?? 0,
      start: (record: number) => rows[record * rowWords + keyAt] ?? 0,
      length: (record: number) => rows[record * rowWords + keyLengthAt] ?? 0,
    };
    return sortKeyed(keyed, partitions).map((order) => new RecordCursor(bytes, rows, order));
  }
}

/** Walks over sorted records. */
class RecordCursor extends Cursor {
  readonly #rows: Uint32Array;
  readonly #order: SortedItems;
  #position = 0;

  constructor(bytes: Buffer, rows: Uint32Array, order: SortedItems) {
    super();
    this.bytes = bytes;
    this.valueBytes = bytes;
    this.count = 1;
    this.prefix = -1;
    this.#rows = rows;
    this.#order = order;
  }

  override next(): boolean {
    const record = this.#order.items[this.#position];
    if (record === undefined) return false;
    const row = record * rowWords;
    const start = this.#rows[row + keyAt] ?? 0;
    const end = start + (this.#rows[row + keyLengthAt] ?? 0);
    const prefix = this.#order.prefixes[this.#position] ?? 0;
    this.continued =
      prefix === this.prefix && compareKeys(this.bytes, start, end, this.bytes, this.keyStart, this.keyEnd) === 0;
    this.prefix = prefix;
    this.keyStart = start;
    this.keyEnd = end;
    this.valuesStart = end;
    this.valuesEnd = end + (this.#rows[row + packedLengthAt] ?? 0);
    this.#position++;
    return true;
  }
}
