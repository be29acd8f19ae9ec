import { randomUUID } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { untilAborted } from "../../abort.ts";
import type { AttemptContext } from "../attempt-context.ts";
import { Pacer } from "../pacer.ts";
import type { BlockSource } from "./blocks.ts";
import { merged } from "./merge.ts";
import { OpenRuns, type Run } from "./run.ts";
import type { Segment } from "./segment.ts";
import { SegmentEncoder } from "./segment-encoder.ts";

/** Writes and merges the sorted runs of one attempt, which are files in its `workDir`. */
export class RunFiles {
  readonly #context: AttemptContext;

  constructor(context: AttemptContext) {
    this.#context = context;
  }

  /** Writes a run from the blocks of each partition. Synchronous, because a module's `emit` returns only when there is room. */
  spill(sorted: Iterable<BlockSource>): Run {
    const encoder = new SegmentEncoder(false);
    const { path, file } = this.#create();
    try {
      for (const block of encoder.encode(sorted)) writeAll(file, block);
    } finally {
      closeSync(file);
    }
    return this.#written(path, encoder.segments, encoder.largestBlock);
  }

  /** Like `spill`, but yields to the event loop. For more records than fit in memory. */
  async write(sorted: Iterable<BlockSource>): Promise<Run> {
    const encoder = new SegmentEncoder(false);
    const { path, file } = this.#create();
    const pacer = new Pacer(this.#context.signal);
    try {
      for (const block of encoder.encode(sorted)) {
        writeAll(file, block);
        this.#context.progress.tick();
        if (pacer.due) await pacer.rest();
      }
    } finally {
      closeSync(file);
    }
    return this.#written(path, encoder.segments, encoder.largestBlock);
  }

  /**
   * Writes a run with a single partition that is already encoded.
   * @param segment returns the segment's metadata, after the last chunk
   * @param largestBlock bytes of the segment's largest block, uncompressed
   */
  async copy(chunks: AsyncIterable<Buffer>, segment: () => Segment, largestBlock: number): Promise<Run> {
    const { path, file } = this.#create();
    try {
      for await (const chunk of untilAborted(chunks, this.#context.signal)) {
        writeAll(file, chunk);
        this.#context.progress.tick();
      }
    } finally {
      closeSync(file);
    }
    return this.#written(path, [segment()], largestBlock);
  }

  /**
   * Merges neighbouring runs until few enough remain to be merged at once. Rewrites as little as possible.
   * @returns runs in the same order; the attempt's own files of merged runs are removed
   */
  async reduce(runs: readonly Run[]): Promise<readonly Run[]> {
    let current = runs;
    for (let fanIn = this.#fanIn(current); current.length > fanIn; fanIn = this.#fanIn(current)) {
      const next: Run[] = [];
      let surplus = current.length - fanIn;
      for (let at = 0; at < current.length;) {
        const group = current.slice(at, at + Math.min(fanIn, surplus + 1));
        next.push(...(group.length === 1 ? group : [await this.#merge(group)]));
        surplus -= group.length - 1;
        at += group.length;
      }
      current = next;
    }
    return current;
  }

  /** Returns how many runs can be merged at once. Each keeps a block in memory; together they may fill half the sort buffer. */
  #fanIn(runs: readonly Run[]): number {
    const { mergeFactor, sortBuffer } = this.#context;
    const largest = runs.reduce((most, { largestBlock }) => Math.max(most, largestBlock), 1);
    return Math.min(mergeFactor, Math.max(2, Math.floor(sortBuffer / 2 / largest)));
  }

  async #merge(group: readonly Run[]): Promise<Run> {
    const open = new OpenRuns(group);
    try {
      const partitions = group[0]?.segments.keys() ?? [].values();
      return await this.write(partitions.map((partition) => merged(open.blocks(partition), this.#context.sortBuffer)));
    } finally {
      open.close();
      for (const { path, map } of group) if (map === undefined) await rm(path);
    }
  }

  #create(): { readonly path: string; readonly file: number } {
    const path = join(this.#context.workDir, `run-${randomUUID()}`);
    return { path, file: openSync(path, "wx") };
  }

  #written(path: string, segments: readonly Segment[], largestBlock: number): Run {
    for (const { length, records } of segments) {
      this.#context.counters.count("spilledRecords", records);
      this.#context.counters.count("spilledBytes", length);
    }
    return { path, segments, largestBlock };
  }
}

/** Writes all of `bytes` to an open file. */
export function writeAll(file: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
}
