import { closeSync, createWriteStream, openSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseAddress } from "../../shared/address.ts";
import type { Artifact } from "../../shared/api/artifacts.ts";
import type { CountersSnapshot } from "../../shared/counters.ts";
import type { RunnerJob } from "../../shared/protocol/runner.ts";
import type { MapInput, SegmentRef } from "../../shared/protocol/tasks.ts";
import type { Store } from "../storage/store.ts";
import type { AttemptContext } from "./attempt-context.ts";
import { Counters } from "./counters.ts";
import { taskEnvironment } from "./environment.ts";
import { gathered } from "./input/gathered.ts";
import { rangeOpener, readInput } from "./input/task-input.ts";
import { Progress } from "./progress.ts";
import { NamedPipes } from "./programs/named-pipes.ts";
import { runExecutable } from "./programs/executable.ts";
import { mapToText } from "./programs/mapper.ts";
import type { ArtifactProgram } from "./programs/program.ts";
import type { SegmentSource } from "./shuffle/fetch-segments.ts";
import { openSegments } from "./shuffle/open-segments.ts";
import { writeAll } from "./shuffle/run-files.ts";
import { forExecutables, textBatches } from "./shuffle/text-batches.ts";
import type { Sink } from "./sink.ts";
import { reduceSegments } from "./tasks/reduce.ts";
import { placeFiles, placeProgram, workingDirectory } from "./working-directory.ts";

/** Runs a map or reduce again outside its job: by hand, to find out why it fails. */

const MiB = 1024 * 1024;

/** The input of a task. */
type ReplayedInput =
  | { readonly kind: "map"; readonly ranges: MapInput; readonly store: Store }
  | { readonly kind: "reduce"; readonly segments: readonly SegmentRef[]; readonly store: Store };

export type ReplayedTask = {
  readonly job: RunnerJob;
  readonly taskId: string;
  readonly index: number;
  readonly input: ReplayedInput;
};

type ReplayOptions = {
  /** An empty folder for the input, the programs and the output. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** @returns the path of a file with the artifact's content */
  content(artifact: Artifact): Promise<string>;
  /** Receives what the program writes to standard error. */
  readonly log: (bytes: Uint8Array) => void;
};

/** A task that is ready to run any number of times. */
export type Replay = {
  readonly program: ArtifactProgram;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** The program's input, in the form that an executable reads. */
  readonly inputFile: string;
  /** Where `run` writes the program's output. A mapper's output is not yet sorted for reducers. */
  readonly outputFile: string;
  /** Runs the program. @throws what an attempt would fail with */
  run(): Promise<CountersSnapshot>;
};

/** Fetches everything that a task needs and places it as the job's own runs do. @throws Error for a built-in program */
export const prepareReplay = async (task: ReplayedTask, options: ReplayOptions): Promise<Replay> => {
  const { folder } = options;
  const counters = new Counters();
  const bare = contextOf(task, options, counters);
  const context = { ...bare, archives: await placeFiles(task.job, bare, options) };
  const program = await placeProgram(task.job, task.input.kind === "map" ? "mapper" : "reducer", context, options);
  if (program.type === "builtin") throw new Error(`the ${program.role} ${program.name} is built in`);
  const [inputFile, outputFile] = [join(folder, "input"), join(folder, "output")];
  await pipeline(Readable.from(textOf(task, context)), createWriteStream(inputFile));
  const run = async (): Promise<CountersSnapshot> => {
    const output = openSync(outputFile, "w");
    const sink: Sink = {
      write: (bytes) => {
        writeAll(output, bytes);
        return undefined;
      },
    };
    try {
      if (program.type !== "executable") await runHere(task, program, context, sink);
      else await runFile(inputFile, program, context, sink);
    } finally {
      closeSync(output);
    }
    return counters.snapshot();
  };
  const { environment } = context;
  return { program, environment, workingDirectory: workingDirectory(context), inputFile, outputFile, run };
};

const contextOf = (
  { job, taskId, index, input }: ReplayedTask,
  { folder, signal, log }: ReplayOptions,
  counters: Counters,
): Omit<AttemptContext, "archives"> => {
  const attempt = `${taskId}-debug`;
  const task = { taskId, attempt, index };
  return {
    environment: taskEnvironment(
      job,
      input.kind === "map" ? { kind: "map", ...task, input: input.ranges } : { kind: "reduce", ...task },
    ),
    workDir: folder,
    sortBuffer: 128 * MiB,
    mergeFactor: 128,
    outputLimit: Number.MAX_SAFE_INTEGER,
    recordLimit: 64 * MiB,
    wasmMemory: job.wasmMemory ?? 1024 * MiB,
    signal,
    counters,
    progress: new Progress(),
    pipes: new NamedPipes(folder),
    // Nothing that outlives this process has to be found again.
    processes: { add: () => undefined, remove: () => undefined },
    status: () => undefined,
    log,
  };
};

const rangesOf = (
  { job }: ReplayedTask,
  { ranges, store }: Extract<ReplayedInput, { kind: "map" }>,
  context: AttemptContext,
) =>
  readInput(ranges, {
    recordLimit: context.recordLimit,
    compression: job.input.compression,
    open: rangeOpener(store, job.useSSL),
  });

const sourcesOf = (
  { job }: ReplayedTask,
  { segments, store }: Extract<ReplayedInput, { kind: "reduce" }>,
): SegmentSource[] =>
  segments.map(({ map, path, offset, length, largestBlock }) => {
    const at = parseAddress(path, job.useSSL);
    const open = async () => await store.read(at, { start: offset, end: offset + length });
    return { map, length, largestBlock, at: at.scheme === "file" ? { path: at.path, offset } : { open } };
  });

/** Yields the task's input in the form that an executable reads. */
const textOf = async function* (task: ReplayedTask, context: AttemptContext): AsyncGenerator<Buffer> {
  const { input } = task;
  if (input.kind === "map") {
    // Copied, because a chunk is valid only until the next one is requested, and a stream reads ahead.
    for await (const bytes of gathered(rangesOf(task, input, context))) yield Buffer.from(bytes);
    return;
  }
  const open = await openSegments(sourcesOf(task, input), context);
  try {
    for await (const bytes of textBatches(open.sorted, forExecutables, context.sortBuffer)) yield Buffer.from(bytes);
  } finally {
    open.close();
  }
};

const runFile = async (
  inputFile: string,
  program: ArtifactProgram,
  context: AttemptContext,
  sink: Sink,
): Promise<void> => {
  const input = openSync(inputFile, "r");
  try {
    await runExecutable({ program, context, input, output: (chunk) => sink.write(chunk) ?? undefined });
  } finally {
    closeSync(input);
  }
};

const runHere = async (
  task: ReplayedTask,
  program: ArtifactProgram,
  context: AttemptContext,
  sink: Sink,
): Promise<void> => {
  const { input } = task;
  if (input.kind === "map") await mapToText({ mapper: program, input: rangesOf(task, input, context), context, sink });
  else await reduceSegments({ reducer: program, segments: sourcesOf(task, input), context, sink });
};
