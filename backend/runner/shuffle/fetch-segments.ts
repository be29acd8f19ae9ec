import { closeSync, openSync, readSync } from "node:fs";
import { named } from "../../storage/file-failure.ts";
import type { ByteStream } from "../../storage/store.ts";
import { abortable, untilAborted } from "../../abort.ts";
import type { AttemptContext } from "../attempt-context.ts";
import type { BlockSource } from "./blocks.ts";
import { merged } from "./merge.ts";
import type { Run } from "./run.ts";
import { RunFiles } from "./run-files.ts";
import { SegmentVerifier } from "./segment-verifier.ts";
import { DamagedSegmentError } from "./segment.ts";
import { lossOr } from "./shuffle-lost.ts";
import { blocksOf } from "./stored-block.ts";

/** A segment of a map output, for one reducer. */
export type SegmentSource = {
  /** The number of the map task. */
  readonly map: number;
  /** Length in bytes. A segment of 0 bytes has no records and is never opened. */
  readonly length: number;
  /** Bytes of the largest block, uncompressed, at most. */
  readonly largestBlock: number;
  /** Where the segment is: in a file on this machine from byte `offset` on, or behind a function that opens exactly its bytes. */
  readonly at: { readonly path: string; readonly offset: number } | { readonly open: () => Promise<ByteStream> };
};

/** Maximum number of segments fetched at the same time. */
const parallelFetches = 32;

/** The part of the sort buffer that segments in transit may use. */
const fetchPart = 1 / 4;

/** A segment is kept in memory if it is no larger than this part of the sort buffer. */
const smallPart = 1 / 10;

/** A local segment of at least this many bytes is merged in place, regardless of the number of segments. */
const inPlaceBytes = 256 * 1024;

/** Bytes of memory that fetching a segment into a file takes: its read-ahead. */
const streamBytes = 1024 * 1024;

/** All segments that a reducer needs, on this machine. */
type FetchedSegments = {
  readonly runs: readonly Run[];
  /** Segments of later maps than those in the runs, in map order. */
  readonly memory: readonly BlockSource[];
};

/** A fetched segment: small ones are in memory, others in their own run. */
type Fetched = { readonly memory: Buffer; readonly largestBlock: number } | { readonly run: Run };

/**
 * Fetches and verifies segments. Small ones are collected in memory and merged into a run when they fill half the sort buffer.
 * Large ones become separate runs, in local files. A segment in a local file already is a run: it is merged and verified in
 * place, unless it is small and there are too many segments to merge at once.
 * @param segments in the order of the map tasks
 * @throws ShuffleLostError for a segment that is gone or damaged; StorageError for one that is temporarily unreadable
 */
export async function fetchSegments(
  segments: readonly SegmentSource[],
  context: AttemptContext,
): Promise<FetchedSegments> {
  const files = new RunFiles(context);
  const runs: Run[] = [];
  let memory: BlockSource[] = [];
  // Includes the memory to merge a block of each segment.
  let held = 0;
  const spill = async (): Promise<void> => {
    if (memory.length > 0) runs.push(await files.write([merged(memory, context.sortBuffer)]));
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
      memory.push(blocksOf(fetched.memory));
      held += weight;
    }
  }
  return { runs, memory };
}

/** Fetches several segments at a time and yields them in order. */
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
        // Awaited in its turn. Until then, this keeps a rejection from counting as unhandled.
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
  if ("path" in at) return { memory: readLocal(segment, at), largestBlock };
  const memory = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  for await (const chunk of verifiedChunks(segment, at.open, new SegmentVerifier(), signal)) {
    filled += chunk.copy(memory, filled);
  }
  return { memory, largestBlock };
}

async function toRun(segment: SegmentSource, signal: AbortSignal, files: RunFiles): Promise<Fetched> {
  const { at, map, length, largestBlock } = segment;
  if ("path" in at) return { run: { path: at.path, segments: [{ offset: at.offset, length }], largestBlock, map } };
  const verifier = new SegmentVerifier();
  const chunks = verifiedChunks(segment, at.open, verifier, signal);
  return { run: await files.copy(chunks, () => ({ offset: 0, length, records: verifier.records }), largestBlock) };
}

/** Reads a segment from a file. Synchronous, because a small read takes less time than switching threads. */
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

/** Yields the bytes of a segment. @throws ShuffleLostError if it is gone or damaged, otherwise what the store throws */
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
