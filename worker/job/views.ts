import { formatAddress } from "../../shared/address.ts";
import { taskIdOf, type JobRow, type TaskRow } from "../../shared/engine/machine.ts";
import { shuffleFolder } from "../../shared/outputs.ts";
import type { InputRange } from "../../shared/protocol/tasks.ts";
import type { Condition, Job } from "../../shared/api/jobs.ts";
import type { Task } from "../../shared/api/tasks.ts";
import { artifactOf, type JobSpec } from "./spec.ts";

/** A job as the REST API shows it, but for its outputs, which are told from the rest (see `outputUrls`). */
export const jobView = (
  spec: JobSpec,
  row: JobRow,
  inputBytes: number,
  failedMaps: readonly number[],
  conditions: Condition[],
): Job => {
  const { request } = spec;
  return {
    id: spec.id,
    nReducers: row.nReducers,
    outputLocation: { location: request.outputPath, useSSL: request.useSSL },
    inputData: { id: spec.id, path: request.inputPath, type: request.inputType, splitStart: 0, splitEnd: inputBytes },
    startTime: spec.createdAt,
    submittedBy: spec.submittedBy,
    cluster: spec.cluster,
    status: row.status,
    endTime: row.endedAt,
    error: row.error,
    progress: { maps: row.maps, reduces: row.reduces },
    counters: row.counters,
    outputs: [],
    // The map that has failed the job was not tolerated.
    failedMaps: failedMaps.filter((index) => taskIdOf(spec.id, "map", index) !== row.error?.taskId),
    conditions,
  };
};

/** The folder of a job's map outputs, told from one of them; where they would be in the job's store while there is none. */
export const shufflePath = ({ id, request }: JobSpec, mapOutput: string | undefined): string =>
  mapOutput === undefined
    ? formatAddress(shuffleFolder(request.outputPath, request.useSSL, id))
    : mapOutput.slice(0, mapOutput.lastIndexOf("/") + 1);

/** What a task reads. A map of several ranges has no one path, so it shows the job's. */
const inputView = (
  { request }: JobSpec,
  { kind }: TaskRow,
  range: InputRange | null,
  inputBytes: number,
  shuffle: string,
): Omit<Task["inputData"], "id"> => {
  if (range !== null)
    return { path: range.path, type: request.inputType, splitStart: range.start, splitEnd: range.end };
  const whole = { splitStart: 0, splitEnd: inputBytes };
  if (kind === "map") return { path: request.inputPath, type: request.inputType, ...whole };
  return { path: shuffle, type: "segments", ...whole };
};

/**
 * A map or reduce task as the REST API shows it.
 * @param range what it reads, where that is a single range of an object
 * @param inputBytes all the bytes that it reads
 * @param shuffle the folder of the map outputs
 */
export const taskView = (
  spec: JobSpec,
  row: TaskRow,
  range: InputRange | null,
  inputBytes: number,
  shuffle: string,
): Task => {
  const { programs } = spec;
  const id = taskIdOf(spec.id, row.kind, row.index);
  const map = row.kind === "map";
  return {
    id,
    type: map ? "mapper" : "reducer",
    status: row.status,
    program: artifactOf(map ? programs.mapper : (programs.reducer ?? programs.mapper)),
    inputData: { id, ...inputView(spec, row, range, inputBytes, shuffle) },
    podName: row.podName,
    startTime: row.startedAt,
    attempt: row.attempts,
    endTime: row.endedAt,
    message: row.message,
    error: row.error,
    counters: row.counters,
  };
};
