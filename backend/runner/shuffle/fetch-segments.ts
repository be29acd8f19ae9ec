import { closeSync, openSync, readSync } from "node:fs";
import { named } from "../../storage/file-failure.ts";
import type { ByteStream } from "../../storage/store.ts";
import { abortable, untilAborted } from "../../abort.ts";
import type { AttemptContext } from "../attempt-context.ts";
import { merged } from "./merge.ts";
import type { Run } from "./run.ts";
import { RunFiles } from "./run-files.ts";
import { blocksOf, SegmentCursor } from "./segment-cursor.ts";
import { SegmentVerifier } from "./segment-verifier.ts";
import { DamagedSegmentError } from "./segment.ts";
import { lossOr } from "./shuffle-lost.ts";

/** A segment of a map output, for one reducer. */
export type SegmentSource = {
  /** The number of the map task. */
  readonly map: number;
  /** Bytes. A segment of 0 bytes has no records and is never opened. */
  readonly length: number;
  /** Bytes of the largest block of the map output, uncompressed. */
  readonly largestBlock: number;
  /** Where it is: in a file on this machine, from byte `offset` on; or behind a function that opens exactly its bytes. */
  readonly at: { readonly path: string; readonly offset: number } | { readonly open: () => Promise<ByteStream> };
};

/** Most segments fetched at the same time. */
const parallelFetches = 32;

/** The part of the sort buffer that segments being fetched may take. */
const fetchPart = 1 / 4;

/** The part of the sort buffer up to which a segment is held in memory. */
const smallPart = 1 / 10;

/** Bytes from which on a local segment is merged in place, however many there are. */
const inPlaceBytes = 256 * 1024;

/** Bytes that the fetching of a segment takes which goes into a file: what is read ahead of it. */
const streamBytes = 1024 * 1024;

/** Everything that a reducer needs, on this machine. */
type FetchedSegments = {
  readonly runs: readonly Run[];
  /** Segments of later maps than those in the runs, in the order of the maps. */
  readonly memory: readonly Buffer[];
};

/** A segment is here: small ones in memory, others in a run of their own. */
type Fetched = { readonly memory: Buffer; readonly largestBlock: number } | { readonly run: Run };

/**
 * Fetches and verifies segments. Small ones are gathered in memory, and merged into a run when they fill half the sort
 * buffer; large ones become runs of their own, in local files. A segment in a local file is a run already: it is merged, and
 * verified, where it lies, unless it is small and there are too many to merge them all at once.
 * @param segments in the order of the map tasks
 * @throws ShuffleLostError for a segment that is gone or damaged; StorageError for one that cannot be read just now
 */
export async function fetchSegments(
  segments: readonly SegmentSource[],
  context: AttemptContext,
): Promise<FetchedSegments> {
  const files = new RunFiles(context);
  const runs: Run[] = [];
  let memory: Buffer[] = [];
  // With what it takes to decompress a block of each.
  let held = 0;
  const spill = async (): Promise<void> => {
    if (memory.length > 0) runs.push(await files.write([merged(memoryCursors(memory))]));
    memory = [];
    held = 0;
  };
  const wanted = segments.filter(({ length }) => length > 0);
  for await (const fetched of inOrder(wanted, context, files)) {
    if ("run" in fetched) {
      await spill();
      runs.push(fetched.run);
    } else {
      const weight = fetched.memory.length + fetched.largestBlock;
      if (held + weight > context.sortBuffer / 2) await spill();
      memory.push(fetched.memory);
      held += weight;
    }
  }
  return { runs, memory };
}

/** Cursors over segments in memory. */
export function memoryCursors(memory: readonly Buffer[]): SegmentCursor[] {
  return memory.map((segment) => new SegmentCursor(blocksOf(segment)));
}

/** Fetches several at a time, and gives them in order. */
async function* inOrder(
  segments: readonly SegmentSource[],
  context: AttemptContext,
  files: RunFiles,
): AsyncGenerator<Fetched, void, void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const small = context.sortBuffer * smallPart;
  const inPlace = segments.length <= context.mergeFactor ? 0 : Math.min(inPlaceBytes, small);
  const waiting: { readonly fetched: Promise<Fetched>; readonly bytes: number }[] = [];
  let underWay = 0;
  let next = 0;
  try {
    for (;;) {
      for (; waiting.length < parallelFetches; next++) {
        const segment = segments[next];
        if (segment === undefined) break;
        const isSmall = "path" in segment.at ? segment.length < inPlace : segment.length <= small;
        const bytes = isSmall ? segment.length : streamBytes;
        if (waiting.length > 0 && underWay + bytes > context.sortBuffer * fetchPart) break;
        const fetched = isSmall ? toMemory(segment, signal) : toRun(segment, signal, files);
        // It is awaited in its turn; until then a rejection is not unhandled.
        fetched.catch(() => undefined);
        waiting.push({ fetched, bytes });
        underWay += bytes;
      }
      const first = waiting.shift();
      if (first === undefined) return;
      const fetched = await first.fetched;
      underWay -= first.bytes;
      context.counters.count("shuffleBytes", "run" in fetched ? lengthOf(fetched.run) : fetched.memory.length);
      yield fetched;
    }
  } finally {
    stop.abort();
    await Promise.allSettled(waiting.map(({ fetched }) => fetched));
  }
}

const lengthOf = ({ segments }: Run): number => segments.reduce((sum, { length }) => sum + length, 0);

async function toMemory(segment: SegmentSource, signal: AbortSignal): Promise<Fetched> {
  const { at, length, largestBlock } = segment;
  if ("path" in at) return { memory: readLocal(segment, at), largestBlock: 0 };
  const memory = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  for await (const chunk of verifiedChunks(segment, at.open, new SegmentVerifier(), signal)) {
    filled += chunk.copy(memory, filled);
  }
  return { memory, largestBlock };
}

async function toRun(segment: SegmentSource, signal: AbortSignal, files: RunFiles): Promise<Fetched> {
  const { at, map, length, largestBlock } = segment;
  if ("path" in at) {
    // Nothing is compressed here, so that no block is larger than its segment.
    const largest = Math.min(largestBlock, length);
    return { run: { path: at.path, segments: [{ offset: at.offset, length }], largestBlock: largest, map } };
  }
  const verifier = new SegmentVerifier();
  const chunks = verifiedChunks(segment, at.open, verifier, signal);
  return { run: await files.copy(chunks, () => ({ offset: 0, length, records: verifier.records }), largestBlock) };
}

/** A segment of a file. Synchronously, as a small read takes less time than the switching of threads for it. */
function readLocal({ map, length }: SegmentSource, { path, offset }: { path: string; offset: number }): Buffer {
  const memory = Buffer.allocUnsafeSlow(length);
  const verifier = new SegmentVerifier();
  try {
    const file = openSync(path, "r");
    try {
      for (let filled = 0; filled < length;) {
        const read = readSync(file, memory, filled, length - filled, offset + filled);
        if (read === 0) throw new DamagedSegmentError("the segment ends too early");
        filled += read;
      }
    } finally {
      closeSync(file);
    }
    verifier.push(memory);
    verifier.end();
  } catch (error) {
    throw lossOr(map, named({ scheme: "file", path }, error));
  }
  return memory;
}

/** The bytes of a segment. @throws ShuffleLostError where it is gone or damaged, else what the store throws */
async function* verifiedChunks(
  segment: SegmentSource,
  open: () => Promise<ByteStream>,
  verifier: SegmentVerifier,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  let length = 0;
  try {
    const stream: AsyncIterable<Buffer> = await abortable(open(), signal);
    for await (const chunk of untilAborted(stream, signal)) {
      verifier.push(chunk);
      length += chunk.length;
      if (length > segment.length) throw new DamagedSegmentError("the segment is longer than it was");
      yield chunk;
    }
    verifier.end();
    if (length !== segment.length) throw new DamagedSegmentError("the segment is shorter than it was");
  } catch (error) {
    signal.throwIfAborted();
    throw lossOr(segment.map, error);
  }
}
