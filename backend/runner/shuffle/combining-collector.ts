import type { AttemptContext } from "../attempt-context.ts";
import type { AddedLines } from "../record-target.ts";
import type { Sink } from "../sink.ts";
import type { Stage } from "../stage.ts";
import { Collector, type LineTarget } from "./collector.ts";
import type { BlockSource } from "./blocks.ts";
import { Cursor } from "./cursor.ts";
import { VarintReader } from "./packed.ts";
import type { SegmentIndex } from "./segment.ts";

/** Runs a combiner over records sorted by key and adds what it emits to the target. @returns the number of input records */
export type Combine = (sorted: BlockSource, target: LineTarget) => Promise<number>;

/** The records in memory are combined when it is this full. The rest is for what a module emits before that is possible. */
const pressure = 0.75;

/** The memory is spilled if it is still fuller than this after combining. */
const stubborn = 0.5;

/** After this many records it is decided whether combining pays. */
const sampleRecords = 4096;

/** Combining does not pay if there are more than this many keys per record: the kernel does not even group such records. */
const mostKeys = 0.7;

type CombiningOptions = {
  readonly partitions: number;
  readonly combine: Combine;
  /** Whether records may reach the reducer without having been combined. */
  readonly isOptional: boolean;
};

/**
 * A collector with a combiner. Records are sorted by key alone, all partitions together, so that one run of the combiner covers
 * all partitions. The combiner runs
 *
 * - when the memory is nearly full: its output replaces its input in memory, and is spilled only if that did not free enough;
 * - at the end, over everything, including spilled records. Only this output is partitioned and sorted for the shuffle.
 *
 * As in Hadoop, the combiner is therefore applied any number of times to its own output. Unlike in Hadoop, it may emit any keys in
 * any order, and each goes to its own partition. A single call of `map` that fills the memory spills uncombined records. If the
 * keys of the first records hardly repeat, it does not run at all.
 */
export class CombiningCollector implements LineTarget {
  readonly #context: AttemptContext;
  readonly #partitions: number;
  readonly #combine: Combine;
  /** Whether it is still to be decided if combining pays. */
  #isSampling: boolean;
  /** Whether it does; if not, the collector has the partitions of the shuffle. */
  #isCombining = true;
  /** Bytes for each of the two collectors that exist while combining. */
  readonly #memory: number;
  #collector: Collector;

  constructor(context: AttemptContext, { partitions, combine, isOptional }: CombiningOptions) {
    this.#context = context;
    this.#partitions = partitions;
    this.#combine = combine;
    this.#isSampling = isOptional;
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
    if (this.#isSampling && this.#collector.records >= sampleRecords) this.#sample();
    if (!this.#isCombining || this.#collector.fullness < pressure) return undefined;
    return this.#relieve();
  }

  /** Combines everything a last time and writes one segment per partition. @param compressing see `SegmentEncoder` */
  async writeSegments(sink: Sink, compressing: boolean): Promise<SegmentIndex> {
    if (!this.#isCombining) return this.#collector.writeSegments(sink, compressing);
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

  /** Decides whether combining pays. If not, the records so far go to a collector like that of a map without a combiner. */
  #sample(): void {
    this.#isSampling = false;
    const sample = this.#collector;
    if (sample.spilledRuns().length > 0 || sample.keys <= mostKeys * sample.records) return;
    this.#isCombining = false;
    this.#collector = new Collector(this.#context, { partitions: this.#partitions, memory: this.#context.sortBuffer });
    for (const sorted of sample.sortedMemory()) copyRecords(sorted, this.#collector);
    sample.dispose();
  }

  async #relieve(): Promise<void> {
    // Too few records fit into the memory to tell.
    this.#isSampling = false;
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

const copyRecords = (sorted: BlockSource, target: Collector): void => {
  const cursor = new Cursor(sorted);
  const reader = new VarintReader();
  while (cursor.next()) {
    const { bytes, keyStart, keyEnd } = cursor;
    for (reader.at = cursor.valuesStart; reader.at < cursor.valuesEnd;) {
      const length = reader.read(bytes);
      target.add(bytes, keyStart, keyEnd, reader.at, reader.at + length);
      reader.at += length;
    }
  }
};
