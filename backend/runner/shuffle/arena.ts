import type { Aggregate } from "../../../shared/builtin-programs.ts";
import { aggregateNumber, type Kernel } from "../../kernel/kernel.ts";
import { Stage } from "../stage.ts";
import type { AddedLines } from "../record-target.ts";
import type { BlockSource } from "./blocks.ts";
import { recycleKernel, takeKernel } from "./kernels.ts";
import { maxVarint, putRecord, VarintReader } from "./packed.ts";
import { blockLength, headerLength } from "./segment.ts";
import { UnfitValueError } from "./unfit-value.ts";

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

type ArenaOptions = {
  /** Bytes of memory to occupy at most, except that a single record can be larger. */
  readonly memory: number;
  /** Bytes of memory that kernels may keep for the next task. */
  readonly kept: number;
  /** At least 1. */
  readonly partitions: number;
  /** Whether keys are known to repeat, so that the first records do not decide. */
  readonly keysRepeat?: boolean | undefined;
  /** What becomes of the values of each key. All are kept without it. */
  readonly aggregate?: Aggregate | undefined;
  /** Is called when the arena is full, and empties it. Receives blocks for each partition, in order. */
  spill(partitions: Iterable<BlockSource>): void;
};

/**
 * Records in memory, in the kernel: grouped by key if keys repeat, one by one if they hardly do; the first records decide. With an
 * aggregate, what the values of a key have come to so far takes their place. The memory is reserved at once, but the system
 * allocates pages on first use, so only the filled part is occupied.
 */
export class Arena {
  /** Where records wait until there are enough for the kernel. */
  readonly stage: Stage;
  /** The number of records that the kernel has. */
  records = 0;
  /** The number of records that the kernel has got in all, and that it has passed on. */
  #added = 0;
  #encoded = 0;
  readonly #options: ArenaOptions;
  /** Bytes for records. */
  readonly #memory: number;
  readonly #kernel: Kernel;
  readonly #block: number;
  readonly #base: number;
  /** The first address behind the records. */
  #behind = 0;
  #fullness = 0;
  #isDisposed = false;
  #failure: UnfitValueError | undefined;

  constructor(options: ArenaOptions) {
    const { memory, partitions } = options;
    this.#options = options;
    this.#memory = Math.max(memory, leastMemory) + partitions * partitionBytes;
    this.#kernel = takeKernel("much");
    const staged = Math.max(fewestStaged, Math.min(mostStaged, Math.floor(memory * stagedPart)));
    this.stage = new Stage(this.#kernel.bytes, this.#kernel.firstFree, staged);
    this.#block = this.stage.start + mostStaged;
    this.#base = this.#block + blockRoom;
    this.#reset(this.#memory);
  }

  /** The number of records that were passed on, so far. */
  get encoded(): number {
    return this.#encoded;
  }

  /** @throws UnfitValueError if there was a value that the aggregate cannot take. Nothing is added after that. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The number of records added. */
  get added(): number {
    return this.#added + this.stage.records;
  }

  /** The number of distinct keys that the kernel has, if `keysRepeat`. */
  get keys(): number {
    return this.#kernel.calls.groupCount();
  }

  /** The occupied part of the memory, 0 to 1, or more for a single large record. Does not count the records being staged. */
  get fullness(): number {
    return this.#fullness;
  }

  /** Copies a record. Spills first if there is no room. */
  add(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const { stage } = this;
    const most = keyEnd - keyStart + valueEnd - valueStart + 2 * maxVarint;
    if (stage.at + most > stage.end) {
      this.flush();
      if (stage.at + most > stage.end) {
        this.#addLarge(bytes, keyStart, keyEnd, valueStart, valueEnd);
        return;
      }
    }
    stage.at = putRecord(stage.bytes, stage.at, bytes, keyStart, keyEnd, valueStart, valueEnd);
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
    if (calls.addLines(text, text + end - start) !== 0) {
      const records = calls.packedRecords();
      this.records += records;
      this.#added += records;
      this.#fullness = calls.fullness();
      return { end, records, bytes: calls.packedBytes() };
    }
    stage.at = calls.packLines(text, text + end - start, stage.start);
    stage.records = calls.packedRecords();
    const added = { end, records: stage.records, bytes: calls.packedBytes() };
    this.flush();
    return added;
  }

  /** Copies packed records, `records` of them, of up to 64 KiB. */
  addPacked(packed: Buffer, records: number): void {
    const { stage } = this;
    if (stage.at + packed.length > stage.end) this.flush();
    if (stage.at + packed.length > stage.end) {
      // The memory is too small for a stage of that length.
      const reader = new VarintReader();
      while (reader.at < packed.length) {
        const keyLength = reader.read(packed);
        const keyStart = reader.at;
        reader.at += keyLength;
        const valueLength = reader.read(packed);
        const valueStart = reader.at;
        reader.at += valueLength;
        this.add(packed, keyStart, keyStart + keyLength, valueStart, reader.at);
      }
      return;
    }
    stage.at += packed.copy(stage.bytes, stage.at);
    stage.records += records;
  }

  /** Hands the staged records to the kernel; see `check`. */
  flush(): void {
    if (this.#isDisposed) return;
    const { stage } = this;
    const { calls } = this.#kernel;
    for (let at = stage.start; at < stage.at && this.#failure === undefined;) {
      at = calls.add(at, stage.at, stage.records);
      const added = calls.added();
      this.records += added;
      this.#added += added;
      stage.records -= added;
      if (at === stage.at) break;
      if (this.#hasFailed(at)) continue;
      if (this.records === 0) throw new Error("the kernel has no room for a record");
      this.spill();
    }
    if (stage.records !== 0 && this.#failure === undefined)
      throw new Error(`the kernel took ${stage.records} records too few`);
    stage.clear();
    this.#fullness = calls.fullness();
  }

  /** Passes on the records that the kernel has, sorted, and removes them. */
  spill(): void {
    if (this.records === 0) return;
    this.#options.spill(this.sorted());
    this.#reset(this.#memory);
  }

  /**
   * Sorts the records that the kernel has by partition, then by key. The values of a key keep the order in which they were added.
   * Yields the blocks of each partition. They are valid until the next block, and until the arena changes.
   * @throws UnfitValueError, see `check`
   */
  *sorted(): Generator<BlockSource, void, void> {
    this.check();
    const { partitions, aggregate } = this.#options;
    const { calls } = this.#kernel;
    const expected = aggregate === undefined ? this.records : calls.groupCount();
    calls.sort();
    let encoded = 0;
    let drained = 0;
    for (let partition = 0; partition < partitions; partition++) {
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
    if (drained < partitions) return;
    this.#encoded += encoded;
    if (encoded !== expected) throw new Error(`the kernel sorted ${encoded} records, not ${expected}`);
    if (calls.isComplete() === 0) throw new Error("the kernel sorted other bytes than it was given");
  }

  /** Gives back the memory. Records added later are lost: a module can call its `emit` long after its task has ended. */
  dispose(): void {
    this.#isDisposed = true;
    this.stage.dispose();
    recycleKernel(this.#kernel, this.#options.kept);
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

  /** Whether the record at `at` was not added because the aggregate cannot take its value. */
  #hasFailed(at: number): boolean {
    const { aggregate } = this.#options;
    const failure = this.#kernel.calls.failure();
    if (failure === 0 || aggregate === undefined) return false;
    const { bytes } = this.#kernel;
    const reader = new VarintReader();
    reader.at = at;
    const [key, value] = [reader.readPacked(bytes), reader.readPacked(bytes)];
    this.#failure = new UnfitValueError(aggregate, failure, key, value);
    return true;
  }

  /** Adds a record that is longer than the stage: it is staged behind the records. */
  #addLarge(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    if (this.#isDisposed || this.#failure !== undefined) return;
    const length = keyEnd - keyStart + valueEnd - valueStart + 2 * maxVarint;
    const { calls } = this.#kernel;
    for (;;) {
      const start = this.#behind;
      this.#reserve(start + length);
      const end = putRecord(this.#kernel.bytes, start, bytes, keyStart, keyEnd, valueStart, valueEnd);
      if (calls.add(start, end, 1) !== start) break;
      if (this.#hasFailed(start)) return;
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
    const { partitions, keysRepeat = false, aggregate } = this.#options;
    this.#kernel.calls.reset(this.#base, memory, partitions, keysRepeat ? 1 : 0, aggregateNumber(aggregate));
  }

  #reserve(length: number): void {
    this.#kernel.reserve(length);
    this.stage.bytes = this.#kernel.bytes;
  }
}
