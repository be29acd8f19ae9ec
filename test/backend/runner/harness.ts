import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, expect } from "vitest";
import type { AttemptContext } from "../../../backend/runner/attempt-context.ts";
import { Counters } from "../../../backend/runner/counters.ts";
import { readRecords, type RecordBatch } from "../../../backend/runner/input/record-batches.ts";
import { mapToText } from "../../../backend/runner/programs/mapper.ts";
import { mapToSegments } from "../../../backend/runner/tasks/map.ts";
import { Progress } from "../../../backend/runner/progress.ts";
import type { ArtifactProgram, Program } from "../../../backend/runner/programs/program.ts";
import { reduceSegments } from "../../../backend/runner/tasks/reduce.ts";
import type { SegmentSource } from "../../../backend/runner/shuffle/fetch-segments.ts";
import type { SegmentIndex } from "../../../backend/runner/shuffle/segment.ts";
import { SegmentVerifier } from "../../../backend/runner/shuffle/segment-verifier.ts";
import { NamedPipes } from "../../../backend/runner/programs/named-pipes.ts";

const folders: string[] = [];
const ledgers: { readonly living: Set<number>; readonly seen: Set<number> }[] = [];

/** No test may leave a folder or a process group behind. A process that was just killed can take a moment to disappear. */
afterEach(async () => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  // Most tests start no process.
  for (const { living, seen } of ledgers.splice(0).filter((ledger) => ledger.seen.size > 0)) {
    expect([...living], "process groups still in the ledger").toEqual([]);
    await expect
      .poll(() => livingGroups().filter((group) => seen.has(group)), {
        message: "process groups still alive",
        timeout: 20_000,
      })
      .toEqual([]);
  }
});

/** The groups of all processes except zombies, which only wait to be reaped. */
function livingGroups(): number[] {
  const table = execFileSync("ps", ["-eo", "pgid=,stat="], { encoding: "utf8" });
  return [...table.matchAll(/^ *(\d+) [^Z]/gm)].map(([, group]) => Number(group));
}

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "edgefold-test-"));
  folders.push(folder);
  return folder;
}

export type TestContext = AttemptContext & { readonly statuses: string[]; readonly groups: ReadonlySet<number> };

export function newContext(overrides: Partial<AttemptContext> = {}): TestContext {
  const living = new Set<number>();
  const seen = new Set<number>();
  ledgers.push({ living, seen });
  const statuses: string[] = [];
  return {
    environment: { EDGEFOLD_TASK: "job-m-0", mapreduce_map_input_file: inputPath },
    workDir: newFolder(),
    pipes: new NamedPipes(newFolder()),
    log: () => undefined,
    sortBuffer: 1024 * 1024,
    mergeFactor: 10,
    outputLimit: 1e9,
    recordLimit: 64 * 1024 * 1024,
    archives: [],
    wasmMemory: 16 * 1024 * 1024,
    signal: new AbortController().signal,
    counters: new Counters(),
    progress: new Progress(),
    processes: {
      add: (pid) => {
        living.add(pid);
        seen.add(pid);
      },
      remove: (pid) => void living.delete(pid),
    },
    status: (text) => void statuses.push(text),
    statuses,
    groups: seen,
    ...overrides,
  };
}

export function newProgram(
  role: Program["role"],
  type: ArtifactProgram["type"],
  source: string | Buffer,
): ArtifactProgram {
  const path = join(newFolder(), type === "module" ? "artifact.mjs" : "artifact");
  writeFileSync(path, source, { mode: 0o755 });
  return { role, type, name: type === "module" ? "program.js" : "program", path, args: [] };
}

export function shell(role: Program["role"], script: string): ArtifactProgram {
  return newProgram(role, "executable", `#!/bin/sh\n${script}\n`);
}

/** The object that the input comes from. */
export const inputPath = "http://store/in.txt";

/** The output of a map-only task. */
export async function mapOnly(
  mapper: Program,
  input: string | Buffer,
  context: TestContext = newContext(),
): Promise<Buffer> {
  const sink = new MemorySink();
  await mapToText({ mapper, input: lines(input), context, sink });
  return sink.bytes;
}

export function lines(text: string | Buffer, recordLimit = 64 * 1024 * 1024): AsyncIterable<RecordBatch> {
  // Any bytes, even those of a binary format.
  return readRecords(Readable.from([Buffer.from(text)]), { path: inputPath, recordLimit, compression: "none" });
}

/** Copies what it gets, and sometimes makes the writer wait. */
export class MemorySink {
  readonly #parts: Buffer[] = [];

  write(bytes: Buffer): Promise<void> | undefined {
    this.#parts.push(Buffer.from(bytes));
    return this.#parts.length % 2 === 0 ? new Promise((resolve) => void setImmediate(resolve)) : undefined;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  get text(): string {
    return this.bytes.toString("utf8");
  }
}

export type MapOutput = { readonly object: Buffer; readonly index: SegmentIndex };

export async function runMap(
  mapper: Program,
  input: string | Buffer,
  partitions: number,
  context: AttemptContext,
  combiner?: ArtifactProgram,
  reducer?: Program,
): Promise<MapOutput> {
  const sink = new MemorySink();
  const task = { mapper, combiner, reducer, input: lines(input), partitions, context, sink, compressing: true };
  const index = await mapToSegments(task);
  return { object: sink.bytes, index };
}

/** The number of records in all segments of a map output. */
export function recordsIn({ object, index }: MapOutput): number {
  let records = 0;
  let offset = 0;
  for (const length of index.lengths) {
    const verifier = new SegmentVerifier();
    verifier.push(object.subarray(offset, (offset += length)));
    records += verifier.records;
  }
  return records;
}

/**
 * A partition's segments in the outputs of several maps: some in a store, where they arrive in small chunks, and some on this
 * machine, in a file with other bytes before and after them.
 */
export function sources(
  outputs: readonly MapOutput[],
  partition: number,
  isLocal = (map: number) => map % 2 === 1,
): SegmentSource[] {
  return outputs.map(({ object, index: { lengths, largestBlock } }, map) => {
    const offset = lengths.slice(0, partition).reduce((sum, length) => sum + length, 0);
    const length = lengths[partition] ?? 0;
    const bytes = object.subarray(offset, offset + length);
    const open = async (): Promise<Readable> => {
      if (length === 0) throw new Error("an empty segment was opened");
      return Readable.from(chunks(bytes, 1000));
    };
    return { map, length, largestBlock, at: isLocal(map) ? fileOf(bytes) : { open } };
  });
}

function fileOf(bytes: Buffer): { path: string; offset: number } {
  const path = join(newFolder(), "output");
  const others = Buffer.from("the bytes of another partition");
  writeFileSync(path, Buffer.concat([others, bytes, others]));
  return { path, offset: others.length };
}

export async function runReduce(
  reducer: Program,
  outputs: readonly MapOutput[],
  partition: number,
  context: AttemptContext,
  isLocal?: (map: number) => boolean,
): Promise<Buffer> {
  const sink = new MemorySink();
  await reduceSegments({ reducer, segments: sources(outputs, partition, isLocal).toReversed(), context, sink });
  return sink.bytes;
}

export function* chunks(bytes: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
