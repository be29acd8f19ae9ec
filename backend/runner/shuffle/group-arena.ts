import { hashKey } from "../../../shared/partition.ts";
import { Cursor } from "./cursor.ts";
import { copyBytes, maxVarint, putVarint, VarintReader, varintLength } from "./packed.ts";
import { sortRows } from "./keyed-rows.ts";
import type { SortedItems } from "./prefix-sort.ts";

/** The words of a key's row: all that is touched for a record of a known key lies in one cache line. */
const hashAt = 0;
const keyAt = 1;
const keyLengthAt = 2;
/** The first block of its values, the one that is filled now, where the next value goes, where the block ends. */
const headAt = 3;
const blockAt = 4;
const writeAt = 5;
const endAt = 6;
/** Values in the block that is filled now. */
const countAt = 7;
const rowWords = 8;

/** A block begins with three 32-bit numbers: the next block (0 for none), where its values end, how many there are. */
const blockHeader = 12;

/** Room for values in the first block of a key; each further one is twice as large, up to the largest. */
const firstRoom = 8;
const largestRoom = 64 * 1024;

/** What a key needs besides its bytes and values: its row, twice a slot and a half, and its places while sorting. */
const keyOverhead = rowWords * 4 + 2 * 4 + 2 * (8 + 4);

const firstSlots = 1024;

/** Offsets are 32-bit. */
const maxMemory = 0xffff_ffff;

/**
 * Records in memory, grouped: each key is kept once, with its values in a chain of blocks. So only distinct keys are sorted,
 * and a map output, in which keys repeat, takes a fraction of its size. The memory is reserved at once but, as the system
 * gives out pages on first use, occupied only as far as it is filled.
 */
export class GroupArena {
  readonly #memory: number;
  #bytes: Buffer;
  /** From 1 on, so that 0 is no offset. */
  #used = 1;
  #records = 0;
  #keys = 0;
  readonly #rows: Uint32Array;
  /** An open hash table of keys, by the place of their row plus one; 0 is free. At most half full. */
  #slots = new Uint32Array(firstSlots);

  /** @param memory bytes to occupy at most, except that a single record may be larger */
  constructor(memory: number) {
    this.#memory = Math.min(memory, maxMemory);
    this.#bytes = Buffer.allocUnsafeSlow(this.#memory);
    this.#rows = new Uint32Array(Math.max(1, Math.floor(this.#memory / keyOverhead)) * rowWords);
  }

  get records(): number {
    return this.#records;
  }

  /** Distinct ones. */
  get keys(): number {
    return this.#keys;
  }

  /** The occupied part of the memory, 0 to 1, or more for a single large record. */
  get fullness(): number {
    return (this.#used + this.#keys * keyOverhead) / this.#memory;
  }

  /** Whether there is room for a record of that many bytes. An empty arena takes any. */
  fits(length: number): boolean {
    const needed = length + maxVarint + blockHeader + firstRoom;
    return this.#records === 0 || this.#used + needed + (this.#keys + 1) * keyOverhead <= this.#memory;
  }

  /** Copies a record. Only where it `fits`. @param hash of the key: `hashKey` */
  add(hash: number, bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const valueLength = valueEnd - valueStart;
    const packed = varintLength(valueLength) + valueLength;
    const row = this.#find(hash, bytes, keyStart, keyEnd, packed);
    const rows = this.#rows;
    // `?? 0` satisfies the index check of the compiler: every index here is in bounds.
    let write = rows[row + writeAt] ?? 0;
    if (write + packed > (rows[row + endAt] ?? 0)) write = this.#extend(row, packed);
    const end = copyBytes(bytes, valueStart, valueEnd, this.#bytes, putVarint(this.#bytes, write, valueLength));
    rows[row + writeAt] = end;
    rows[row + countAt] = (rows[row + countAt] ?? 0) + 1;
    this.#records++;
  }

  /** Forgets all records, and gives back the memory of a large one. */
  clear(): void {
    this.#used = 1;
    this.#records = 0;
    this.#keys = 0;
    this.#slots = new Uint32Array(firstSlots);
    if (this.#bytes.length > this.#memory) this.#bytes = Buffer.allocUnsafeSlow(this.#memory);
  }

  /**
   * Sorts: by partition, then key; the values of a key stay in the order of addition.
   * @returns a cursor for each partition, valid until the arena changes
   */
  sort(partitions: number): Cursor[] {
    for (let row = 0; row < this.#keys * rowWords; row += rowWords) this.#closeBlock(row);
    const bytes = this.#bytes;
    const rows = this.#rows;
    const keyed = { bytes, rows, count: this.#keys, words: rowWords, hashAt, keyAt, keyLengthAt };
    return sortRows(keyed, partitions).map((order) => new GroupCursor(bytes, rows, order));
  }

  /** Gives every record again, the values of each key in their order. @param use takes what `add` was given */
  forEach(use: GroupArena["add"]): void {
    const reader = new VarintReader();
    for (const cursor of this.sort(1)) {
      while (cursor.next()) {
        const { bytes, keyStart, keyEnd, valuesEnd } = cursor;
        const hash = hashKey(bytes, keyStart, keyEnd);
        reader.at = cursor.valuesStart;
        while (reader.at < valuesEnd) {
          const length = reader.read(bytes);
          use(hash, bytes, keyStart, keyEnd, reader.at, reader.at + length);
          reader.at += length;
        }
      }
    }
  }

  /** The row of a key, made where the key is new. */
  #find(hash: number, bytes: Buffer, keyStart: number, keyEnd: number, packed: number): number {
    const rows = this.#rows;
    const slots = this.#slots;
    const mask = slots.length - 1;
    const keyLength = keyEnd - keyStart;
    let slot = hash & mask;
    for (let taken = slots[slot] ?? 0; taken !== 0; taken = slots[slot] ?? 0) {
      const row = (taken - 1) * rowWords;
      if (rows[row + hashAt] === hash && rows[row + keyLengthAt] === keyLength) {
        if (this.#hasKey(rows[row + keyAt] ?? 0, bytes, keyStart, keyLength)) return row;
      }
      slot = (slot + 1) & mask;
    }
    slots[slot] = this.#keys + 1;
    const row = this.#keys * rowWords;
    const key = this.#used;
    const block = key + keyLength;
    const end = block + blockHeader + Math.max(firstRoom, packed);
    this.#reserve(end);
    copyBytes(bytes, keyStart, keyEnd, this.#bytes, key);
    rows[row + hashAt] = hash;
    rows[row + keyAt] = key;
    rows[row + keyLengthAt] = keyLength;
    rows[row + headAt] = block;
    this.#openBlock(row, block, end);
    this.#keys++;
    if (this.#keys * 2 > slots.length) this.#growSlots();
    return row;
  }

  #hasKey(at: number, bytes: Buffer, keyStart: number, length: number): boolean {
    const own = this.#bytes;
    if (length > 64) return own.compare(bytes, keyStart, keyStart + length, at, at + length) === 0;
    for (let index = 0; index < length; index++) {
      if (own[at + index] !== bytes[keyStart + index]) return false;
    }
    return true;
  }

  #openBlock(row: number, block: number, end: number): void {
    const rows = this.#rows;
    this.#bytes.writeUInt32LE(0, block);
    rows[row + blockAt] = block;
    rows[row + writeAt] = block + blockHeader;
    rows[row + endAt] = end;
    rows[row + countAt] = 0;
    this.#used = end;
  }

  #closeBlock(row: number): void {
    const rows = this.#rows;
    const block = rows[row + blockAt] ?? 0;
    this.#bytes.writeUInt32LE(rows[row + writeAt] ?? 0, block + 4);
    this.#bytes.writeUInt32LE(rows[row + countAt] ?? 0, block + 8);
  }

  /** Gives a key another block. @returns where its values begin */
  #extend(row: number, packed: number): number {
    const rows = this.#rows;
    const block = rows[row + blockAt] ?? 0;
    const room = (rows[row + endAt] ?? 0) - block - blockHeader;
    const next = this.#used;
    const free = this.#memory - this.#keys * keyOverhead - next - blockHeader;
    const end = next + blockHeader + Math.max(packed, Math.min(2 * room, largestRoom, free));
    this.#reserve(end);
    this.#closeBlock(row);
    this.#bytes.writeUInt32LE(next, block);
    this.#openBlock(row, next, end);
    return next + blockHeader;
  }

  /** Makes room for a single record that is larger than the memory. */
  #reserve(end: number): void {
    if (end <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(end);
    this.#bytes.copy(grown, 0, 0, this.#used);
    this.#bytes = grown;
  }

  #growSlots(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let key = 0; key < this.#keys; key++) {
      let slot = (this.#rows[key * rowWords + hashAt] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = key + 1;
    }
    this.#slots = slots;
  }
}

/** Walks over the blocks of sorted keys. */
class GroupCursor extends Cursor {
  readonly #rows: Uint32Array;
  readonly #order: SortedItems;
  #position = 0;
  #block = 0;

  constructor(bytes: Buffer, rows: Uint32Array, order: SortedItems) {
    super();
    this.bytes = bytes;
    this.valueBytes = bytes;
    this.#rows = rows;
    this.#order = order;
  }

  override next(): boolean {
    this.continued = this.#block !== 0;
    if (!this.continued) {
      const key = this.#order.items[this.#position];
      if (key === undefined) return false;
      const row = key * rowWords;
      this.keyStart = this.#rows[row + keyAt] ?? 0;
      this.keyEnd = this.keyStart + (this.#rows[row + keyLengthAt] ?? 0);
      this.prefix = this.#order.prefixes[this.#position] ?? 0;
      this.#block = this.#rows[row + headAt] ?? 0;
      this.#position++;
    }
    const block = this.#block;
    this.#block = this.bytes.readUInt32LE(block);
    this.valuesStart = block + blockHeader;
    this.valuesEnd = this.bytes.readUInt32LE(block + 4);
    this.count = this.bytes.readUInt32LE(block + 8);
    return true;
  }
}
