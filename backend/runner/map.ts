import type { AttemptContext } from "./attempt-context.ts";
import type { Counters } from "./counters.ts";
import { gathered } from "./input/gathered.ts";
import type { RecordBatch } from "./input/record-batches.ts";
import { runExecutable } from "./programs/executable.ts";
import { mapRecords } from "./programs/module-loops.ts";
import { ModuleProgram } from "./programs/module-program.ts";
import type { Program } from "./programs/program.ts";
import { RawOutput } from "./programs/raw-output.ts";
import { TextOutput } from "./programs/text-output.ts";
import type { RecordTarget } from "./record-target.ts";
import { Collector } from "./shuffle/collector.ts";
import { loadCombiner } from "./shuffle/combiner.ts";
import { CombiningCollector } from "./shuffle/combining-collector.ts";
import type { SegmentIndex } from "./shuffle/segment.ts";
import { TextRecords } from "./shuffle/text-records.ts";
import type { Sink } from "./sink.ts";

/** A map task whose output is for reducers. */
type MapToSegments = {
  readonly mapper: Program;
  readonly combiner?: Program | undefined;
  readonly input: AsyncIterable<RecordBatch>;
  /** How many there are, at least 1. */
  readonly partitions: number;
  readonly context: AttemptContext;
  /** Gets the shuffle object: the segments one after another. */
  readonly sink: Sink;
  /** Whether to compress them. */
  readonly compressing: boolean;
};

/**
 * Runs a mapper, sorts what it emits, combines it, and writes it as one segment a partition.
 * @returns where the segments are
 * @throws ProgramError where a program fails; the signal's reason when aborted; what `input` or `sink` throws
 */
export async function mapToSegments(task: MapToSegments): Promise<SegmentIndex> {
  const { combiner, partitions, context, sink, compressing } = task;
  if (combiner === undefined) {
    const collector = new Collector(context, partitions, context.sortBuffer);
    try {
      await runMapper(task, collector);
      return await collector.writeSegments(sink, compressing);
    } finally {
      collector.dispose();
    }
  }
  const collector = new CombiningCollector(context, await loadCombiner(combiner, context));
  try {
    await runMapper(task, collector);
    return await collector.writeSegments(sink, compressing, partitions);
  } finally {
    collector.dispose();
  }
}

async function runMapper({ mapper, input, context }: MapToSegments, target: RecordTarget): Promise<void> {
  const { counters } = context;
  const batches = countedInput(input, counters);
  if (mapper.type === "module") {
    const module = await ModuleProgram.load(mapper, "map", context);
    const emitted = await mapRecords(module, batches, target, context);
    counters.count("mapOutputRecords", emitted.records);
    counters.count("mapOutputBytes", emitted.bytes);
  } else {
    const output = new TextRecords(mapper, context.recordLimit, target);
    await runExecutable({ program: mapper, context, input: gathered(batches), output: (chunk) => output.push(chunk) });
    await output.end();
    counters.count("mapOutputRecords", output.records);
    counters.count("mapOutputBytes", output.bytes);
  }
}

/** A map task whose output is the job's output. */
type MapToText = {
  readonly mapper: Program;
  readonly input: AsyncIterable<RecordBatch>;
  readonly context: AttemptContext;
  readonly sink: Sink;
};

/**
 * Runs a mapper without a shuffle. An executable's output is passed on as it is, a module's becomes lines `key TAB value`,
 * or just the key where the value is empty. The output ends with a newline or is empty.
 * @throws ProgramError where the mapper fails; the signal's reason when aborted; what `input` or `sink` throws
 */
export async function mapToText({ mapper, input, context, sink }: MapToText): Promise<void> {
  const { counters, signal } = context;
  const batches = countedInput(input, counters);
  if (mapper.type === "module") {
    const output = new TextOutput(context, sink);
    const emitted = await mapRecords(await ModuleProgram.load(mapper, "map", context), batches, output, context);
    await output.end();
    counters.count("mapOutputRecords", emitted.records);
    counters.count("mapOutputBytes", emitted.bytes);
  } else {
    const output = new RawOutput(sink, signal);
    await runExecutable({ program: mapper, context, input: gathered(batches), output: (chunk) => output.write(chunk) });
    await output.end(counters);
    counters.count("mapOutputRecords", output.lines);
    counters.count("mapOutputBytes", output.bytes);
  }
}

/** Counts the input of a mapper as it passes. */
async function* countedInput(
  input: AsyncIterable<RecordBatch>,
  counters: Counters,
): AsyncGenerator<RecordBatch, void, void> {
  for await (const batch of input) {
    counters.count("mapInputRecords", batch.records);
    counters.count("mapInputBytes", batch.bytes.length);
    yield batch;
  }
}
