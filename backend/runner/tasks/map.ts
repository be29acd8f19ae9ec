import { joinAddress, parseAddress } from "../../../shared/address.ts";
import { outputFolder } from "../../../shared/outputs.ts";
import type { Result } from "../../../shared/protocol/tasks.ts";
import { partName } from "../../../shared/status.ts";
import { rangeOpener, readInput } from "../input/task-input.ts";
import { openWholeFile } from "../input/whole-file.ts";
import { mapToSegments, mapToText } from "../map.ts";
import { writeOutput } from "./output.ts";
import type { Task, TaskRun } from "./task-run.ts";

/** Runs the mapper over its input. Its output is one shuffle object of sorted segments, or an output part in a map-only job. */
export const runMap = async (task: Task<"map">, run: TaskRun): Promise<Result> => {
  const { job, context } = run;
  const mapper = await run.program("mapper");
  const input = readInput(task.input, {
    recordLimit: context.recordLimit,
    compression: job.input.compression,
    open: rangeOpener(run.input, job.useSSL),
  });
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

type Mapping = Omit<Parameters<typeof mapToText>[0], "sink">;

const mapInput = async (task: Task<"map">, run: TaskRun, mapping: Mapping): Promise<Result> => {
  const { job } = run;
  const { path } = job.output;
  if (job.nReducers === 0) {
    const part = joinAddress(outputFolder(path, job.useSSL, job.jobId), partName(true, task.index));
    return writeOutput(task.attempt, part, run, (sink) => mapToText({ ...mapping, sink }));
  }
  const combiner = job.programs.combiner === undefined ? undefined : await run.program("combiner");
  const reducer = job.programs.reducer && { ...job.programs.reducer, role: "reducer" as const };
  const { compressing } = run.shuffle;
  const shuffle = await run.shuffle.write(task.attempt, (sink) =>
    mapToSegments({ ...mapping, combiner, reducer, partitions: job.nReducers, sink, compressing }),
  );
  return { kind: "map", shuffle };
};
