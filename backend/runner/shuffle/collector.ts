import type { Aggregate } from "../../../shared/builtin-programs.ts";
import type { AttemptContext } from "../attempt-context.ts";
import { Pacer } from "../pacer.ts";
import type { AddedLines, PackedTarget } from "../record-target.ts";
import { type Sink, writeTo } from "../sink.ts";
import type { Stage } from "../stage.ts";
import { Arena } from "./arena.ts";
import type { BlockSource } from "./blocks.ts";
import { merged } from "./merge.ts";
import { OpenRuns, type Run } from "./run.ts";
import { RunFiles } from "./run-files.ts";
import type { SegmentIndex } from "./segment.ts";
import { SegmentEncoder } from "./segment-encoder.ts";

type CollectorOptions = {
  /** At least 1. */
  readonly partitions: number;
  /** Bytes of memory for records. */
  readonly memory: number;
  /** The first records come from a combiner: their keys do not repeat, but the keys of later records do. */
  readonly isCombined?: boolean;
  /** Earlier runs with the same number of partitions, whose records come before the added ones. */
  readonly runs?: readonly Run[];
  /** What becomes of the values of each key: in each run, a key has only what they have come to there. */
  readonly aggregate?: Aggregate | undefined;
};

/** Takes packed records and lines `key TAB value`, too: see `Arena`. */
export type LineTarget = PackedTarget & {
  addLines(lines: Buffer, start: number, longest: number): AddedLines;
};

/** Partitions and sorts any number of records: in memory, and in local files if they do not fit. */
export class Collector implements LineTarget {
  readonly #context: AttemptContext;
  readonly #aggregate: Aggregate | undefined;
  readonly #arena: Arena;
  readonly #files: RunFiles;
  readonly #runs: Run[];

  constructor(context: AttemptContext, options: CollectorOptions) {
    const { partitions, memory, isCombined, runs = [], aggregate } = options;
    this.#context = context;
    this.#aggregate = aggregate;
    this.#files = new RunFiles(context);
    this.#runs = [...runs];
    const spill = (sorted: Iterable<BlockSource>): void => void this.#runs.push(this.#files.spill(sorted));
    const kept = context.sortBuffer;
    this.#arena = new Arena({ memory, kept, partitions, keysRepeat: isCombined, aggregate, spill });
  }

  get stage(): Stage {
    return this.#arena.stage;
  }

  /** The number of records added. */
  get records(): number {
    return this.#arena.added;
  }

  /** The number of distinct keys in memory, if they are known to repeat; call it after `spilledRuns`. */
  get keys(): number {
    return this.#arena.keys;
  }

  /** Returns the spilled runs. All other records are in memory then. */
  spilledRuns(): readonly Run[] {
    this.#arena.flush();
    return this.#runs;
  }

  /** The occupied part of the memory, 0 to 1. */
  get fullness(): number {
    return this.#arena.fullness;
  }

  add(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    this.#arena.add(bytes, keyStart, keyEnd, valueStart, valueEnd);
  }

  addPacked(packed: Buffer, records: number): void {
    this.#arena.addPacked(packed, records);
  }

  addLines(lines: Buffer, start: number, longest: number): AddedLines {
    return this.#arena.addLines(lines, start, longest);
  }

  /** Nothing to wait for: `add` makes room by itself. @throws UnfitValueError if there was a value that the aggregate cannot take */
  relief(): undefined {
    this.#arena.check();
  }

  /** Writes the records in memory to a file. */
  spill(): void {
    this.#arena.flush();
    this.#arena.spill();
  }

  /** Sorts the records in memory. Yields the blocks of each partition; they must be consumed before the next one is taken. */
  sortedMemory(): Iterable<BlockSource> {
    this.#arena.flush();
    return this.#arena.sorted();
  }

  /** Passes all records to `use`: the blocks of each partition, which must be consumed before the next one is taken. */
  async sorted<T>(use: (partitions: Iterable<BlockSource>) => Promise<T>): Promise<T> {
    const inMemory = this.sortedMemory();
    const open = new OpenRuns(await this.#files.reduce(this.#runs));
    try {
      return await use(open.isEmpty ? inMemory : this.#mergedWith(open, inMemory));
    } finally {
      open.close();
    }
  }

  /** Gives back the memory. The collector must not be used afterwards, but its runs remain. */
  dispose(): void {
    this.#arena.dispose();
  }

  /**
   * Writes all records as one segment per partition.
   * @param compressing see `SegmentEncoder`
   * @returns where the segments are
   * @throws UnfitValueError, see `relief`
   */
  async writeSegments(sink: Sink, compressing: boolean): Promise<SegmentIndex> {
    const { signal, progress, counters } = this.#context;
    const index = await this.sorted(async (partitions) => {
      const encoder = new SegmentEncoder(compressing);
      const pacer = new Pacer(signal);
      for (const block of encoder.encode(partitions)) {
        await writeTo(sink, block, signal);
        progress.tick();
        if (pacer.due) await pacer.rest();
      }
      return encoder.index;
    });
    if (this.#aggregate !== undefined) {
      counters.count("combineInputRecords", this.#arena.added);
      counters.count("combineOutputRecords", this.#arena.encoded);
    }
    return index;
  }

  /** Merges the runs with the records in memory, which come last. */
  *#mergedWith(runs: OpenRuns, inMemory: Iterable<BlockSource>): Generator<BlockSource, void, void> {
    let partition = 0;
    for (const last of inMemory) yield merged([...runs.blocks(partition++), last], this.#context.sortBuffer);
  }
}
