import { Stage } from "../stage.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { BlockSource } from "./blocks.ts";
import { recycleKernel, takeKernel } from "./kernels.ts";
import { copyBytes, maxVarint, putVarint } from "./packed.ts";
import { blockLength, headerLength } from "./segment.ts";

/** Records are handed to the kernel this many bytes at a time, unless the memory is small or a single record is longer. */
const mostStaged = 64 * 1024;
const fewestStaged = 256;
const stagedPart = 1 / 16;

/** The kernel cannot work with less memory. */
const leastMemory = 2 * 1024;

/** Bytes of memory that each partition takes. */
const partitionBytes = 16;

/** Bytes for a block while it is encoded. A larger piece gets memory behind the records. */
const blockRoom = 2 * blockLength;

const newline = 0x0a;

/** Where the lines end that were added, how many there were, and the bytes of their keys and values. */
export type AddedLines = { readonly end: number; readonly records: number; readonly bytes: number };

/** Receives the sorted records of a full arena: blocks for each partition, in order. */
type Spill = (partitions: Iterable<BlockSource>) => void;

/**
 * Records in memory, in the kernel: grouped by key if keys repeat, one by one if they hardly do; the first records decide. The
 * memory is reserved at once, but the system allocates pages on first use, so only the filled part is occupied.
 */
export class Arena {
  /** Where records wait until there are enough for the kernel. */
  readonly stage: Stage;
  /** The number of records that the kernel has. */
  records = 0;
  /** The number of records that the kernel has got in all. */
  #added = 0;
  readonly #kept: number;
  readonly #partitions: number;
  readonly #keysRepeat: boolean;
  readonly #spill: Spill;
  /** Bytes for records. */
  readonly #memory: number;
  readonly #kernel: Kernel;
  readonly #block: number;
  readonly #base: number;
  /** The first address behind the records. */
  #behind = 0;
  #fullness = 0;
  #isDisposed = false;

  /**
   * @param memory bytes to occupy at most, except that a single record can be larger
   * @param kept bytes of memory that kernels may keep for the next task
   * @param partitions at least 1
   * @param keysRepeat whether keys are known to repeat, so that the first records do not decide
   * @param spill is called when the arena is full, and empties it
   */
  constructor(memory: number, kept: number, partitions: number, keysRepeat: boolean, spill: Spill) {
    this.#kept = kept;
    this.#partitions = partitions;
    this.#keysRepeat = keysRepeat;
    this.#spill = spill;
    this.#memory = Math.max(memory, leastMemory) + partitions * partitionBytes;
    this.#kernel = takeKernel("much");
    const staged = Math.max(fewestStaged, Math.min(mostStaged, Math.floor(memory * stagedPart)));
    this.stage = new Stage(this.#kernel.bytes, this.#kernel.firstFree, staged);
    this.#block = this.stage.start + mostStaged;
    this.#base = this.#block + blockRoom;
    this.#reset(this.#memory);
  }

  /** The number of records added. */
  get added(): number {
    return this.#added + this.stage.records;
  }

  /** The occupied part of the memory, 0 to 1, or more for a single large record. Does not count the records being staged. */
  get fullness(): number {
    return this.#fullness;
  }

  /** Copies a record. Spills first if there is no room. */
  add(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const { stage } = this;
    const keyLength = keyEnd - keyStart;
    const valueLength = valueEnd - valueStart;
    const most = keyLength + valueLength + 2 * maxVarint;
    if (stage.at + most > stage.end) {
      this.flush();
      if (stage.at + most > stage.end) {
        this.#addLarge(bytes, keyStart, keyEnd, valueStart, valueEnd);
        return;
      }
    }
    const own = stage.bytes;
    const value = copyBytes(bytes, keyStart, keyEnd, own, putVarint(own, stage.at, keyLength));
    stage.at = copyBytes(bytes, valueStart, valueEnd, own, putVarint(own, value, valueLength));
    stage.records++;
  }

  /**
   * Copies whole lines `key TAB value`, as many as it takes at once. Without a tab, the whole line is the key.
   * @param lines whole lines
   * @param start where to begin
   * @param longest maximum bytes of a line, with its newline
   * @returns no lines if the next one is too long to be added in this way; see `add`
   */
  addLines(lines: Buffer, start: number, longest: number): AddedLines {
    this.flush();
    const { stage } = this;
    // A line becomes a record of at most twice its length.
    const most = Math.min((stage.end - stage.start) >> 1, longest);
    const end = lines.length - start <= most ? lines.length : lines.lastIndexOf(newline, start + most - 1) + 1;
    if (end <= start || this.#isDisposed) return { end: start, records: 0, bytes: 0 };
    const { calls } = this.#kernel;
    const text = this.#block;
    lines.copy(stage.bytes, text, start, end);
    stage.at = calls.packLines(text, text + end - start, stage.start);
    stage.records = calls.packedRecords();
    const added = { end, records: stage.records, bytes: calls.packedBytes() };
    this.flush();
    return added;
  }

  /** Hands the staged records to the kernel. */
  flush(): void {
    if (this.#isDisposed) return;
    const { stage } = this;
    const { calls } = this.#kernel;
    for (let at = stage.start; at < stage.at;) {
      at = calls.add(at, stage.at, stage.records);
      const added = calls.added();
      this.records += added;
      this.#added += added;
      stage.records -= added;
      if (at === stage.at) break;
      if (this.records === 0) throw new Error("the kernel has no room for a record");
      this.spill();
    }
    if (stage.records !== 0) throw new Error(`the kernel took ${stage.records} records too few`);
    stage.clear();
    this.#fullness = calls.fullness();
  }

  /** Passes on the records that the kernel has, sorted, and removes them. */
  spill(): void {
    if (this.records === 0) return;
    this.#spill(this.sorted());
    this.#reset(this.#memory);
  }

  /**
   * Sorts the records that the kernel has by partition, then by key. The values of a key keep the order in which they were added.
   * Yields the blocks of each partition. They are valid until the next block, and until the arena changes.
   */
  *sorted(): Generator<BlockSource, void, void> {
    const { calls } = this.#kernel;
    calls.sort(this.#partitions);
    let encoded = 0;
    let drained = 0;
    for (let partition = 0; partition < this.#partitions; partition++) {
      calls.startPartition(partition);
      yield () => {
        const bytes = this.#encode();
        const records = calls.encodedRecords();
        encoded += records;
        if (records > 0) return { bytes, records };
        drained++;
        return undefined;
      };
    }
    // A program may stop reading.
    if (drained < this.#partitions) return;
    if (encoded !== this.records) throw new Error(`the kernel sorted ${encoded} records, not ${this.records}`);
    if (calls.isComplete() === 0) throw new Error("the kernel sorted other bytes than it was given");
  }

  /** Gives back the memory. Records added later are lost: a module can call its `emit` long after its task has ended. */
  dispose(): void {
    this.#isDisposed = true;
    this.stage.dispose();
    recycleKernel(this.#kernel, this.#kept);
  }

  /** Encodes the next block, behind room for its header. */
  #encode(): Buffer {
    const { calls } = this.#kernel;
    const start = this.#block + headerLength;
    const end = calls.encode(start, this.#base, blockLength - headerLength);
    const missing = calls.missingBytes();
    if (missing === 0) return this.#kernel.bytes.subarray(this.#block, end);
    const room = this.#behind;
    this.#reserve(room + headerLength + missing);
    const pieceEnd = calls.encode(room + headerLength, room + headerLength + missing, 1);
    return this.#kernel.bytes.subarray(room, pieceEnd);
  }

  /** Adds a record that is longer than the stage: it is staged behind the records. */
  #addLarge(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    if (this.#isDisposed) return;
    const length = keyEnd - keyStart + valueEnd - valueStart + 2 * maxVarint;
    const { calls } = this.#kernel;
    for (;;) {
      const start = this.#behind;
      this.#reserve(start + length);
      const own = this.#kernel.bytes;
      const value = copyBytes(bytes, keyStart, keyEnd, own, putVarint(own, start, keyEnd - keyStart));
      const end = copyBytes(bytes, valueStart, valueEnd, own, putVarint(own, value, valueEnd - valueStart));
      if (calls.add(start, end, 1) !== start) break;
      // If it does not even fit into the empty arena, that becomes larger.
      if (this.records > 0) this.spill();
      else this.#reset(2 * (this.#behind - this.#base + length));
    }
    this.records++;
    this.#added++;
    this.#fullness = calls.fullness();
  }

  /** @param memory bytes for records */
  #reset(memory: number): void {
    this.records = 0;
    this.#fullness = 0;
    this.#behind = this.#base + memory;
    this.#reserve(this.#behind);
    this.#kernel.calls.reset(this.#base, memory, this.#partitions, this.#keysRepeat ? 1 : 0);
  }

  #reserve(length: number): void {
    this.#kernel.reserve(length);
    this.stage.bytes = this.#kernel.bytes;
  }
}
