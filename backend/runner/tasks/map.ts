import { joinAddress, parseAddress } from "../../../shared/address.ts";
import { outputFolder } from "../../../shared/outputs.ts";
import type { Result } from "../../../shared/protocol/tasks.ts";
import { partName } from "../../../shared/status.ts";
import { openWholeFile } from "../input/whole-file.ts";
import { loadCombiner } from "../programs/combiner.ts";
import { type Mapping, mapToRecords, mapToText } from "../programs/mapper.ts";
import { aggregateOf, type ArtifactProgram, isTextual, ProgramError, type Reader } from "../programs/program.ts";
import { Collector } from "../shuffle/collector.ts";
import { CombiningCollector } from "../shuffle/combining-collector.ts";
import type { SegmentIndex } from "../shuffle/segment.ts";
import { UnfitValueError } from "../shuffle/unfit-value.ts";
import type { Sink } from "../sink.ts";
import { writeOutput } from "./output.ts";
import type { Task, TaskRun } from "./task-run.ts";

/** Runs the mapper over its input. Its output is one shuffle object of sorted segments, or an output part in a map-only job. */
export const runMap = async (task: Task<"map">, run: TaskRun): Promise<Result> => {
  const { context } = run;
  const mapper = await run.program("mapper");
  const input = run.readMapInput(task);
  const file = mapper.type === "executable" ? await openWholeFile(task.input, fileOptions(run)) : undefined;
  try {
    return await mapInput(task, run, { mapper, input, file, context });
  } finally {
    file?.close();
  }
};

const fileOptions = ({ job, input, context }: TaskRun): Parameters<typeof openWholeFile>[1] => ({
  recordLimit: context.recordLimit,
  compression: job.input.compression,
  signal: context.signal,
  open: ({ path, etag }) => input.open(parseAddress(path, job.useSSL), etag),
});

const mapInput = async (task: Task<"map">, run: TaskRun, mapping: Mapping): Promise<Result> => {
  const { job } = run;
  const { path } = job.output;
  if (job.nReducers === 0) {
    const part = joinAddress(outputFolder(path, job.useSSL, job.jobId), partName(true, task.index));
    return writeOutput(task.attempt, part, run, (sink) => mapToText({ ...mapping, sink }));
  }
  const combiner = await run.combiner();
  const reducer = job.programs.reducer && { ...job.programs.reducer, role: "reducer" as const };
  const { compressing } = run.shuffle;
  const shuffle = await run.shuffle.write(task, (sink) =>
    mapToSegments({ ...mapping, combiner, reducer, partitions: job.nReducers, sink, compressing }),
  );
  return { kind: "map", shuffle };
};

/** A map task whose output goes to reducers. */
type MapToSegments = Mapping & {
  readonly combiner?: ArtifactProgram | undefined;
  /** The part of the reducer that determines which input it can read. */
  readonly reducer?: Reader | undefined;
  /** The number of partitions, at least 1. */
  readonly partitions: number;
  /** Receives the shuffle object: the segments one after another. */
  readonly sink: Sink;
  /** Whether to compress the segments. */
  readonly compressing: boolean;
};

/**
 * Runs a mapper, sorts and combines what it emits, and writes one segment per partition.
 * @returns where the segments are
 * @throws ProgramError if a program fails; the signal's reason when aborted; what the input or `sink` throws
 */
export const mapToSegments = async (task: MapToSegments): Promise<SegmentIndex> => {
  const { mapper, combiner, reducer, sink, compressing } = task;
  const collector = await makeCollector(task);
  try {
    await mapToRecords(task, collector, textual(combiner ?? reducer));
    return await collector.writeSegments(sink, compressing);
  } catch (error) {
    if (!(error instanceof UnfitValueError)) throw error;
    throw new ProgramError(mapper, `emits what cannot be aggregated: ${error.message}`);
  } finally {
    collector.dispose();
  }
};

const textual = (reader: Reader | undefined) => (reader !== undefined && isTextual(reader) ? reader : undefined);

const makeCollector = async ({ combiner, reducer, partitions, context }: MapToSegments) => {
  if (combiner === undefined) {
    const memory = context.sortBuffer;
    const aggregate = reducer?.type === "builtin" ? aggregateOf(reducer) : undefined;
    return new Collector(context, { partitions, memory, aggregate });
  }
  const combine = await loadCombiner(combiner, context, textual(reducer));
  // What a program reads as text is checked when it is emitted, for the program that is expected to read it.
  const isOptional = textual(reducer) === undefined || isTextual(combiner);
  return new CombiningCollector(context, { partitions, combine, isOptional });
};
