import { closeSync, openSync, readSync } from "node:fs";
import { named } from "../../storage/file-failure.ts";
import type { Block, BlockSource } from "./blocks.ts";
import { DamagedSegmentError, headerLength, type Segment } from "./segment.ts";
import { payloadLength, readBlock } from "./stored-block.ts";
import { SegmentVerifier } from "./segment-verifier.ts";
import { lossOr } from "./shuffle-lost.ts";

/** A sorted run: a file with a segment for each partition. */
export type Run = {
  readonly path: string;
  readonly segments: readonly Extent[];
  /** Bytes of the largest block, uncompressed. */
  readonly largestBlock: number;
  /** For a map output in a local shuffle, the number of its map. Such a file does not belong to the attempt and is read-only. */
  readonly map?: number;
};

/** Where a segment lies in its file. A segment of 0 bytes has no records. */
type Extent = Pick<Segment, "offset" | "length">;

/** Bytes in the first read. A block's header tells how much more is needed. */
const initialRead = 64 * 1024 + 4096;

/** Runs that are being read. */
export class OpenRuns {
  readonly #runs: readonly Run[];
  readonly #files: number[] = [];

  /** @throws StorageError, or ShuffleLostError for a map output that is gone */
  constructor(runs: readonly Run[]) {
    this.#runs = runs;
    try {
      for (const run of runs) this.#files.push(reading(run, () => openSync(run.path, "r")));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0;
  }

  /** Returns the blocks of the partition in each run that has any, in the order of the runs. */
  blocks(partition: number): BlockSource[] {
    return this.#runs.flatMap((run, index) => {
      const segment = run.segments[partition];
      const file = this.#files[index];
      if (segment === undefined || file === undefined || segment.length === 0) return [];
      return [fileBlocks(file, segment, run)];
    });
  }

  close(): void {
    for (const file of this.#files.splice(0)) closeSync(file);
  }
}

/** Reads a run's file. @throws StorageError, or ShuffleLostError for a map output that is gone or damaged */
function reading<T>({ path, map }: Run, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const failure = named({ scheme: "file", path }, error);
    throw map === undefined ? failure : lossOr(map, failure);
  }
}

/**
 * Returns the blocks of a segment in a file. Each block is verified before it is returned. Reads are synchronous, because modules
 * iterate over values without awaiting. After an error, every further call throws the same error, so that a module that catches
 * it cannot continue with incomplete data.
 */
function fileBlocks(file: number, segment: Extent, run: Run): BlockSource {
  const reader = new BlockReader(file, segment);
  let failure: { readonly error: unknown } | undefined;
  return () => {
    if (failure !== undefined) throw failure.error;
    try {
      return reading(run, () => reader.next());
    } catch (error) {
      failure = { error };
      throw error;
    }
  };
}

class BlockReader {
  readonly #file: number;
  readonly #verifier = new SegmentVerifier();
  #position: number;
  readonly #end: number;
  #buffer = Buffer.alloc(0);

  constructor(file: number, { offset, length }: Extent) {
    this.#file = file;
    this.#position = offset;
    this.#end = offset + length;
  }

  next(): Block | undefined {
    // One read usually gets the whole block, because most blocks have about the same length.
    if (this.#buffer.length === 0) this.#buffer = Buffer.allocUnsafeSlow(initialRead);
    const most = Math.min(this.#buffer.length, this.#end - this.#position);
    let filled = readSync(this.#file, this.#buffer, 0, most, this.#position);
    if (filled < headerLength) throw new DamagedSegmentError("the segment ends too early");
    const length = headerLength + payloadLength(this.#buffer, 0);
    if (length > this.#end - this.#position)
      throw new DamagedSegmentError("a block goes beyond the end of its segment");
    if (length > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(length);
      this.#buffer.copy(grown, 0, 0, filled);
      this.#buffer = grown;
    }
    while (filled < length) {
      const read = readSync(this.#file, this.#buffer, filled, length - filled, this.#position + filled);
      if (read === 0) throw new DamagedSegmentError("the segment ends too early");
      filled += read;
    }
    const block = this.#buffer.subarray(0, length);
    this.#verifier.push(block);
    this.#position += length;
    if (length > headerLength) return readBlock(block);
    if (this.#position < this.#end) throw new DamagedSegmentError("the segment is shorter than it was");
    return undefined;
  }
}
