import type { Readable } from "node:stream";
import { abortable, untilAborted } from "../abort.ts";
import type { AttemptContext } from "../attempt-context.ts";
import { merged } from "./merge.ts";
import type { Run } from "./run.ts";
import { RunFiles } from "./run-files.ts";
import { blocksOf, SegmentCursor } from "./segment-cursor.ts";
import { SegmentVerifier } from "./segment-verifier.ts";
import { ShuffleLostError } from "./shuffle-lost.ts";

/** A segment of a map output, for one reducer. */
export type SegmentSource = {
  /** The number of the map task. */
  readonly map: number;
  /** Bytes. A segment of 0 bytes has no records and is never opened. */
  readonly length: number;
  /** Opens exactly its bytes. */
  open(): Promise<Readable>;
};

/** Segments fetched at the same time, as Hadoop's `mapreduce.reduce.shuffle.parallelcopies`. */
const parallelFetches = 5;

/** The part of the sort buffer up to which a segment is held in memory: those being fetched then take half of it. */
const smallPart = 1 / (2 * parallelFetches);

/** Everything that a reducer needs, on this machine. */
type FetchedSegments = {
  readonly runs: readonly Run[];
  /** Segments of later maps than those in the runs, in the order of the maps. */
  readonly memory: readonly Buffer[];
};

/** A segment is here: small ones in memory, others in a run of their own. */
type Fetched = { readonly memory: Buffer } | { readonly run: Run };

/**
 * Fetches and verifies segments. Small ones are gathered in memory, and merged into a run when they fill half the sort
 * buffer; large ones become local runs at once.
 * @param segments in the order of the map tasks
 * @throws ShuffleLostError for a segment that cannot be read or is not intact
 */
export async function fetchSegments(
  segments: readonly SegmentSource[],
  context: AttemptContext,
): Promise<FetchedSegments> {
  const files = new RunFiles(context);
  const runs: Run[] = [];
  let memory: Buffer[] = [];
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
      if (held + fetched.memory.length > context.sortBuffer / 2) await spill();
      memory.push(fetched.memory);
      held += fetched.memory.length;
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
  const waiting: Promise<Fetched>[] = [];
  const rest = segments.values();
  try {
    for (;;) {
      while (waiting.length < parallelFetches) {
        const next = rest.next();
        if (next.done === true) break;
        const fetched = fetchOne(next.value, context, signal, files);
        // It is awaited in its turn; until then a rejection is not unhandled.
        fetched.catch(() => undefined);
        waiting.push(fetched);
      }
      const first = waiting.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    stop.abort();
    await Promise.allSettled(waiting);
  }
}

async function fetchOne(
  segment: SegmentSource,
  context: AttemptContext,
  signal: AbortSignal,
  files: RunFiles,
): Promise<Fetched> {
  const verifier = new SegmentVerifier();
  const chunks = verifiedChunks(segment, verifier, signal);
  let fetched: Fetched;
  if (segment.length <= context.sortBuffer * smallPart) {
    const memory = Buffer.allocUnsafeSlow(segment.length);
    let filled = 0;
    for await (const chunk of chunks) filled += chunk.copy(memory, filled);
    fetched = { memory };
  } else {
    const whole = (): Run["segments"][number] => ({ offset: 0, length: segment.length, records: verifier.records });
    fetched = { run: await files.copy(chunks, whole) };
  }
  context.counters.count("shuffleBytes", segment.length);
  return fetched;
}

/** The bytes of a segment; what is wrong with them, or with reading them, is the loss of the map's output. */
async function* verifiedChunks(
  segment: SegmentSource,
  verifier: SegmentVerifier,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  let length = 0;
  try {
    const stream: AsyncIterable<Buffer> = await abortable(segment.open(), signal);
    for await (const chunk of untilAborted(stream, signal)) {
      verifier.push(chunk);
      length += chunk.length;
      if (length > segment.length) throw new Error("the segment is longer than it was");
      yield chunk;
    }
    verifier.end();
    if (length !== segment.length) throw new Error("the segment is shorter than it was");
  } catch (error) {
    signal.throwIfAborted();
    throw new ShuffleLostError(segment.map, error);
  }
}
