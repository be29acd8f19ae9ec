import type { AttemptContext } from "../attempt-context.ts";
import { Pacer } from "../pacer.ts";
import type { RecordTarget } from "../record-target.ts";
import { type Sink, writeTo } from "../sink.ts";
import type { Cursor } from "./cursor.ts";
import { Arena } from "./arena.ts";
import { mergedPartitions, OpenRuns, type Run } from "./run.ts";
import { RunFiles } from "./run-files.ts";
import type { SegmentIndex } from "./segment.ts";
import { SegmentEncoder } from "./segment-encoder.ts";

/** Partitions and sorts any number of records: in memory, and in local files if they do not fit. */
export class Collector implements RecordTarget {
  /** The number of records added. */
  records = 0;
  readonly #context: AttemptContext;
  readonly #partitions: number;
  readonly #arena: Arena;
  readonly #files: RunFiles;
  readonly #runs: Run[];

  /**
   * @param memory bytes of memory for records
   * @param combining the first records come from a combiner: their keys do not repeat, but the keys of later records do
   * @param runs earlier runs with the same number of partitions, whose records come before the added ones
   */
  constructor(
    context: AttemptContext,
    partitions: number,
    memory: number,
    combining = false,
    runs: readonly Run[] = [],
  ) {
    this.#context = context;
    this.#partitions = partitions;
    this.#arena = new Arena(memory, combining);
    this.#files = new RunFiles(context);
    this.#runs = [...runs];
  }

  /** The spilled runs. */
  get runs(): readonly Run[] {
    return this.#runs;
  }

  /** The occupied part of the memory, 0 to 1. */
  get fullness(): number {
    return this.#arena.fullness;
  }

  add(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const length = keyEnd - keyStart + valueEnd - valueStart;
    if (!this.#arena.fits(length)) this.spill();
    this.#arena.add(bytes, keyStart, keyEnd, valueStart, valueEnd);
    this.records++;
  }

  /** Nothing to do between records: `add` makes room by itself. */
  relief(): undefined {
    return undefined;
  }

  /** Writes the records in memory to a file. */
  spill(): void {
    if (this.#arena.records === 0) return;
    this.#runs.push(this.#files.spill(this.#arena.sort(this.#partitions)));
    this.#arena.clear();
  }

  /** Sorts the records in memory. @returns one cursor per partition, valid until the next `add` */
  sortedMemory(): Cursor[] {
    return this.#arena.sort(this.#partitions);
  }

  /** Passes all records to `use`: one cursor per partition, in order. Each must be consumed before the next is taken. */
  async sorted<T>(use: (partitions: Iterable<Cursor>) => Promise<T>): Promise<T> {
    const open = new OpenRuns(await this.#files.reduce(this.#runs));
    try {
      return await use(mergedPartitions(open, this.#partitions, this.sortedMemory()));
    } finally {
      open.close();
    }
  }

  /** Gives back the memory. The collector must not be used afterwards, but its runs remain. */
  dispose(): void {
    this.#arena.dispose();
  }

  /** Writes all records as one segment per partition. @param compressing see `SegmentEncoder` @returns where the segments are */
  async writeSegments(sink: Sink, compressing: boolean): Promise<SegmentIndex> {
    const { signal, progress } = this.#context;
    return this.sorted(async (partitions) => {
      const encoder = new SegmentEncoder(compressing);
      const pacer = new Pacer(signal);
      for (const block of encoder.encode(partitions)) {
        await writeTo(sink, block, signal);
        progress.tick();
        if (pacer.due) await pacer.rest();
      }
      return encoder.index;
    });
  }
}
