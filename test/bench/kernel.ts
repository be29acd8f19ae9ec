import { closeSync, createReadStream, mkdirSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { AttemptContext } from "../../backend/runner/attempt-context.ts";
import { Counters } from "../../backend/runner/counters.ts";
import { Progress } from "../../backend/runner/progress.ts";
import type { Program } from "../../backend/runner/programs/program.ts";
import { Collector } from "../../backend/runner/shuffle/collector.ts";
import type { SegmentSource } from "../../backend/runner/shuffle/fetch-segments.ts";
import { openSegments } from "../../backend/runner/shuffle/open-segments.ts";
import { forExecutables, textBatches } from "../../backend/runner/shuffle/text-batches.ts";
import { TextRecords } from "../../backend/runner/programs/text-records.ts";
import { ownPeak } from "./memory.ts";
import type { Figures } from "./measured.ts";
import { NamedPipes } from "../../backend/runner/programs/named-pipes.ts";

/**
 * `node kernel.ts INPUT OUTPUT`: sorts and merges as a job does, and nothing else: one thread, no Worker, no agent and no
 * programs. The lines `key TAB value` of the file INPUT go through several maps, one after another, and one reduce, into the
 * file `part-0` of the folder OUTPUT. Prints its `Figures`.
 */

/** Bytes of input per map, equal to the default split size. */
const mapBytes = 64 * 1024 * 1024;

/** A smaller input is cut into this many maps, so that there is something to merge. */
const fewestMaps = 4;

/** The writer of the records, as named in messages. */
const nobody: Program = { role: "mapper", name: "kernel", type: "executable", path: "", args: [] };

/** A runner's defaults. */
const contextIn = (workDir: string): AttemptContext => ({
  environment: {},
  workDir,
  sortBuffer: 160 * 1024 * 1024,
  mergeFactor: 128,
  outputLimit: Infinity,
  recordLimit: 64 * 1024 * 1024,
  archives: [],
  wasmMemory: 0,
  signal: new AbortController().signal,
  counters: new Counters(),
  progress: new Progress(),
  pipes: new NamedPipes(workDir),
  processes: { add: () => undefined, remove: () => undefined },
  status: () => undefined,
  log: () => undefined,
});

/** A map: takes lines and writes them to a file, sorted. */
class KernelMap {
  /** Bytes taken so far. */
  bytes = 0;
  readonly #collector: Collector;
  readonly #records: TextRecords;

  constructor(context: AttemptContext) {
    this.#collector = new Collector(context, { partitions: 1, memory: context.sortBuffer });
    this.#records = new TextRecords(nobody, context.recordLimit, this.#collector);
  }

  async push(chunk: Buffer): Promise<void> {
    this.bytes += chunk.length;
    await this.#records.push(chunk);
  }

  /** @param map its number */
  async finish(map: number, path: string): Promise<SegmentSource> {
    await this.#records.end();
    const { lengths, largestBlock } = await writing(path, (sink) => this.#collector.writeSegments(sink, false));
    return { map, length: lengths[0] ?? 0, largestBlock, at: { path, offset: 0 } };
  }
}

/** Runs the maps one after another; each ends at the end of a line. */
const mapAll = async (input: string, folder: string, context: () => AttemptContext): Promise<SegmentSource[]> => {
  const wanted = Math.min(mapBytes, Math.ceil(statSync(input).size / fewestMaps));
  const segments: SegmentSource[] = [];
  let map = new KernelMap(context());
  const finish = async (): Promise<void> => {
    segments.push(await map.finish(segments.length, join(folder, `map-${segments.length}`)));
  };
  const chunks: AsyncIterable<Buffer> = createReadStream(input, { highWaterMark: 64 * 1024 });
  for await (const chunk of chunks) {
    const end = map.bytes + chunk.length < wanted ? 0 : chunk.lastIndexOf("\n") + 1;
    if (end > 0) {
      await map.push(chunk.subarray(0, end));
      await finish();
      map = new KernelMap(context());
    }
    await map.push(chunk.subarray(end));
  }
  if (map.bytes > 0) await finish();
  return segments;
};

/** Creates a file and closes it after `use`. `write` is synchronous. */
const writing = async <T>(path: string, use: (sink: SyncSink) => Promise<T>): Promise<T> => {
  const file = openSync(path, "wx");
  try {
    return await use({
      write: (bytes) => {
        for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
        return undefined;
      },
    });
  } finally {
    closeSync(file);
  }
};

/** A `Sink` whose writes never need to be awaited. */
type SyncSink = { write(bytes: Buffer): undefined };

const [input, output] = process.argv.slice(2);
if (input === undefined || output === undefined) throw new Error("usage: kernel INPUT OUTPUT");
const folder = join(output, "kernel");
mkdirSync(folder);
try {
  const startedAt = performance.now();
  const startedUse = process.cpuUsage();
  const segments = await mapAll(input, folder, () => contextIn(folder));
  const open = await openSegments(segments, contextIn(folder));
  await writing(join(output, "part-0"), async (sink) => {
    for await (const batch of textBatches(open.sorted, forExecutables, contextIn(folder).sortBuffer)) sink.write(batch);
  });
  open.close();
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(startedUse);
  const figures: Figures = { seconds, processorSeconds: (user + system) / 1e6, peakMiB: ownPeak() };
  process.stdout.write(JSON.stringify(figures));
} finally {
  rmSync(folder, { recursive: true });
}
