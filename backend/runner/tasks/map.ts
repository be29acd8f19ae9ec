import { joinAddress, parseAddress } from "../../../shared/address.ts";
import { outputFolder } from "../../../shared/outputs.ts";
import type { Result } from "../../../shared/messages.ts";
import { isCompressed } from "../../../shared/splits.ts";
import { partName } from "../../../shared/status.ts";
import { decompressed } from "../../storage/decompress.ts";
import { readSplit } from "../input/split-reader.ts";
import { readRecords, type RecordBatch } from "../input/record-batches.ts";
import { mapToSegments, mapToText } from "../map.ts";
import { writeOutput } from "./output.ts";
import type { Task, TaskRun } from "./task-run.ts";

/** Runs the mapper over a split; its output is sorted segments in one shuffle object, or in a map-only job a part. */
export const runMap = async (task: Task<"map">, run: TaskRun): Promise<Result> => {
  const { job, context } = run;
  const mapper = await run.program("mapper");
  const input = splitRecords(task, run);
  const { path } = job.output;
  if (job.nReducers === 0) {
    const part = joinAddress(outputFolder(path, job.useSSL, job.jobId), partName(true, task.index));
    return writeOutput(task.attempt, part, run, (sink) => mapToText({ mapper, input, context, sink }));
  }
  const combiner = job.programs.combiner === undefined ? undefined : await run.program("combiner");
  const { compressing } = run.shuffle;
  const shuffle = await run.shuffle.write(task.attempt, (sink) =>
    mapToSegments({ mapper, combiner, input, partitions: job.nReducers, context, sink, compressing }),
  );
  return { kind: "map", shuffle };
};

/** The records of the task's split, decompressed where the object is. */
const splitRecords = (task: Task<"map">, run: TaskRun): AsyncIterable<RecordBatch> => {
  const { path, size, etag, start, end } = task.input;
  const { recordLimit } = run.context;
  const address = parseAddress(path, run.job.useSSL);
  if (!isCompressed(path)) {
    return readSplit({ start, end, size, recordLimit, open: (range) => run.input.read(address, range, etag) });
  }
  return (async function* () {
    const stream = decompressed(path, await run.input.read(address, undefined, etag));
    try {
      yield* readRecords(stream, recordLimit);
    } finally {
      stream.destroy();
    }
  })();
};
