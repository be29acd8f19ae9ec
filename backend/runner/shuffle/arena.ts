import type { Cursor } from "./cursor.ts";
import { GroupArena } from "./group-arena.ts";
import { RecordArena } from "./record-arena.ts";

/** After this many records it shows whether keys repeat. */
const sample = 16_384;

/** Keys hardly repeat where there are more than this many for each record. */
const hardly = 0.7;

/**
 * Records in memory, in the form that suits them: grouped by key while keys repeat, one by one where they hardly do. Each
 * filling begins grouped, and the first records tell.
 */
export class Arena {
  readonly #memory: number;
  readonly #keysRepeat: boolean;
  readonly #groups: GroupArena;
  #records: RecordArena | undefined;
  #isGrouped = true;

  /**
   * @param memory bytes to occupy at most, except that a single record may be larger
   * @param keysRepeat that they do is known, and the first records are not to tell
   */
  constructor(memory: number, keysRepeat: boolean) {
    this.#memory = memory;
    this.#keysRepeat = keysRepeat;
    this.#groups = new GroupArena(memory);
  }

  get records(): number {
    return this.#current.records;
  }

  /** The occupied part of the memory, 0 to 1, or more for a single large record. */
  get fullness(): number {
    return this.#current.fullness;
  }

  /** Whether there is room for a record of that many bytes. An empty arena takes any. */
  fits(length: number): boolean {
    return this.#current.fits(length);
  }

  /** Copies a record. Only where it `fits`. */
  add(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    this.#current.add(bytes, keyStart, keyEnd, valueStart, valueEnd);
    if (this.#keysRepeat || !this.#isGrouped || this.#groups.records !== sample) return;
    if (this.#groups.keys > sample * hardly) this.#ungroup();
  }

  /** Forgets all records. */
  clear(): void {
    this.#groups.clear();
    this.#records?.clear();
    this.#isGrouped = true;
  }

  /** Gives its memory back. It is of no more use then. */
  dispose(): void {
    this.#groups.dispose();
    this.#records?.dispose();
  }

  /**
   * Sorts: by partition (`hash` modulo `partitions`), then key; the values of a key stay in the order of addition.
   * @returns a cursor for each partition, valid until the arena changes
   */
  sort(partitions: number): Cursor[] {
    return this.#current.sort(partitions);
  }

  get #current(): GroupArena | RecordArena {
    return this.#isGrouped ? this.#groups : (this.#records ?? this.#groups);
  }

  #ungroup(): void {
    const records = (this.#records ??= new RecordArena(this.#memory));
    this.#groups.forEach((bytes, keyStart, keyEnd, valueStart, valueEnd) =>
      records.add(bytes, keyStart, keyEnd, valueStart, valueEnd),
    );
    this.#groups.clear();
    this.#isGrouped = false;
  }
}
