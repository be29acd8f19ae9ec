import { closeSync, openSync, readSync } from "node:fs";
import type { Cursor } from "./cursor.ts";
import { merged } from "./merge.ts";
import { headerLength, type Segment } from "./segment.ts";
import { type Blocks, SegmentCursor } from "./segment-cursor.ts";

/** A sorted run: a local file with a segment for each partition. */
export type Run = { readonly path: string; readonly segments: readonly Segment[] };

/** Bytes read at once at first; a block's header tells how much more is needed. */
const initialRead = 64 * 1024 + 4096;

/** Runs that are being read. */
export class OpenRuns {
  readonly #runs: readonly Run[];
  readonly #files: number[] = [];

  constructor(runs: readonly Run[]) {
    this.#runs = runs;
    try {
      for (const { path } of runs) this.#files.push(openSync(path, "r"));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** A cursor for each run that has records of the partition, in the order of the runs. */
  cursors(partition: number): Cursor[] {
    return this.#runs.flatMap(({ segments }, index) => {
      const segment = segments[partition];
      const file = this.#files[index];
      if (segment === undefined || file === undefined || segment.length === 0) return [];
      return [new SegmentCursor(fileBlocks(file, segment.offset))];
    });
  }

  close(): void {
    for (const file of this.#files.splice(0)) closeSync(file);
  }
}

/**
 * One cursor for each partition, in order, over all runs and after them what is in memory.
 * @param memory a cursor for each partition, or none
 */
export function* mergedPartitions(
  runs: OpenRuns,
  partitions: number,
  memory: readonly Cursor[] = [],
): Generator<Cursor, void, void> {
  for (let partition = 0; partition < partitions; partition++) {
    yield merged([...runs.cursors(partition), ...memory.slice(partition, partition + 1)]);
  }
}

/** The blocks of a segment in a file, read synchronously: modules walk over values without awaiting. */
function fileBlocks(file: number, offset: number): Blocks {
  let position = offset;
  let buffer = Buffer.alloc(0);
  return () => {
    // Each read takes the block and, since most are of about the same length, rarely needs a second one.
    if (buffer.length === 0) buffer = Buffer.allocUnsafeSlow(initialRead);
    let filled = readSync(file, buffer, 0, buffer.length, position);
    if (filled < headerLength) throw new Error("a local run ends too early");
    const length = buffer.readUInt32LE(0);
    const end = headerLength + length;
    if (end > buffer.length) {
      const grown = Buffer.allocUnsafeSlow(end);
      buffer.copy(grown, 0, 0, filled);
      buffer = grown;
    }
    while (filled < end) {
      const read = readSync(file, buffer, filled, end - filled, position + filled);
      if (read === 0) throw new Error("a local run ends too early");
      filled += read;
    }
    position += end;
    return length === 0 ? undefined : buffer.subarray(headerLength, end);
  };
}
