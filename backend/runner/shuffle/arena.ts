import type { Cursor } from "./cursor.ts";
import { GroupArena } from "./group-arena.ts";
import { RecordArena } from "./record-arena.ts";

/** After this many records, the arena checks whether keys repeat. */
const sample = 16_384;

/** Keys hardly repeat if there are more than this many keys per record. */
const hardly = 0.7;

/**
 * Records in memory, in the form that suits them: grouped by key if keys repeat, one by one if they hardly do. Each filling
 * starts grouped, and the first records decide.
 */
export class Arena {
  readonly #memory: number;
  readonly #keysRepeat: boolean;
  readonly #groups: GroupArena;
  #records: RecordArena | undefined;
  #isGrouped = true;

  /**
   * @param memory maximum bytes to occupy, except that a single record can be larger
   * @param keysRepeat whether keys are known to repeat, so that the first records do not decide
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

  /** Whether there is room for a record of `length` bytes. An empty arena accepts any length. */
  fits(length: number): boolean {
    return this.#current.fits(length);
  }

  /** Copies a record, which must fit; see `fits`. */
  add(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    this.#current.add(bytes, keyStart, keyEnd, valueStart, valueEnd);
    if (this.#keysRepeat || !this.#isGrouped || this.#groups.records !== sample) return;
    if (this.#groups.keys > sample * hardly) this.#ungroup();
  }

  /** Removes all records. */
  clear(): void {
    this.#groups.clear();
    this.#records?.clear();
    this.#isGrouped = true;
  }

  /** Gives back the memory. The arena must not be used afterwards. */
  dispose(): void {
    this.#groups.dispose();
    this.#records?.dispose();
  }

  /**
   * Sorts by partition (`hash` modulo `partitions`), then by key. The values of a key keep the order in which they were added.
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
