import type { AttemptContext } from "../attempt-context.ts";
import type { AddedLines } from "../record-target.ts";
import type { Sink } from "../sink.ts";
import type { Stage } from "../stage.ts";
import { Collector, type LineTarget } from "./collector.ts";
import type { BlockSource } from "./blocks.ts";
import type { SegmentIndex } from "./segment.ts";

/** Runs a combiner over records sorted by key and adds what it emits to the target. @returns the number of input records */
export type Combine = (sorted: BlockSource, target: LineTarget) => Promise<number>;

/** The records in memory are combined when it is this full. The rest is for what a module emits before that is possible. */
const pressure = 0.75;

/** The memory is spilled if it is still fuller than this after combining. */
const stubborn = 0.5;

/**
 * A collector with a combiner. Records are sorted by key alone, all partitions together, so that one run of the combiner covers
 * all partitions. The combiner runs
 *
 * - when the memory is nearly full: its output replaces its input in memory, and is spilled only if that did not free enough;
 * - at the end, over everything, including spilled records. Only this output is partitioned and sorted for the shuffle.
 *
 * As in Hadoop, the combiner is therefore applied one or more times to its own output. Unlike in Hadoop, it may emit any keys in
 * any order, and each goes to its own partition. A single call of `map` that fills the memory spills uncombined records.
 */
export class CombiningCollector implements LineTarget {
  readonly #context: AttemptContext;
  readonly #partitions: number;
  readonly #combine: Combine;
  /** Bytes for each of the two collectors that exist while combining. */
  readonly #memory: number;
  #collector: Collector;

  constructor(context: AttemptContext, partitions: number, combine: Combine) {
    this.#context = context;
    this.#partitions = partitions;
    this.#combine = combine;
    this.#memory = Math.max(1, Math.floor(context.sortBuffer / 2));
    this.#collector = new Collector(context, { partitions: 1, memory: this.#memory, isCombined: true });
  }

  get stage(): Stage {
    return this.#collector.stage;
  }

  add(bytes: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    this.#collector.add(bytes, keyStart, keyEnd, valueStart, valueEnd);
  }

  addPacked(packed: Buffer, records: number): void {
    this.#collector.addPacked(packed, records);
  }

  addLines(lines: Buffer, start: number, longest: number): AddedLines {
    return this.#collector.addLines(lines, start, longest);
  }

  relief(): Promise<void> | undefined {
    return this.#collector.fullness < pressure ? undefined : this.#relieve();
  }

  /** Combines everything a last time and writes one segment per partition. @param compressing see `SegmentEncoder` */
  async writeSegments(sink: Sink, compressing: boolean): Promise<SegmentIndex> {
    const [partitions, memory] = [this.#partitions, this.#memory];
    const combined = new Collector(this.#context, { partitions, memory, isCombined: true });
    try {
      await this.#collector.sorted(async (all) => {
        for (const sorted of all) await this.#combineTo(combined, sorted);
      });
      return await combined.writeSegments(sink, compressing);
    } finally {
      combined.dispose();
    }
  }

  /** Gives back the memory. The collector must not be used afterwards. */
  dispose(): void {
    this.#collector.dispose();
  }

  async #relieve(): Promise<void> {
    const [runs, memory] = [this.#collector.spilledRuns(), this.#memory];
    const combined = new Collector(this.#context, { partitions: 1, memory, isCombined: true, runs });
    for (const sorted of this.#collector.sortedMemory()) await this.#combineTo(combined, sorted);
    this.#collector.dispose();
    this.#collector = combined;
    if (combined.fullness > stubborn) combined.spill();
  }

  async #combineTo(target: Collector, sorted: BlockSource): Promise<void> {
    const { counters } = this.#context;
    counters.count("combineInputRecords", await this.#combine(sorted, target));
    counters.count("combineOutputRecords", target.records);
  }
}
