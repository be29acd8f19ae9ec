import { formatAddress } from "../../shared/address.ts";
import type { Condition, Job } from "../../shared/api/jobs.ts";
import type { Task } from "../../shared/api/tasks.ts";
import { outputKind, taskIdOf, type TaskRow } from "../../shared/engine/machine.ts";
import { mostShown, outputUrl, shuffleFolder, withOutputUrls } from "../../shared/outputs.ts";
import { partName } from "../../shared/status.ts";
import type { InputRange } from "../../shared/protocol/tasks.ts";
import type { Page, PageRequest } from "../contracts.ts";
import { jsonPages } from "./json-pages.ts";
import { artifactOf, type JobSpec } from "./spec.ts";
import type { JobStore } from "./store.ts";

/** A job as the Registry keeps it: `outputs` has the names of parts, in place of their URLs. */
export const viewSnapshot = (store: JobStore, absence?: Condition): Job => {
  const spec = store.job.spec();
  const row = store.job.row();
  const { request } = spec;
  const conditions = store.conditions.all();
  return {
    id: spec.id,
    nReducers: row.nReducers,
    outputLocation: { location: request.outputPath, useSSL: request.useSSL },
    inputData: {
      id: spec.id,
      path: request.inputPath,
      type: request.inputType,
      splitStart: 0,
      splitEnd: store.job.inputBytes(),
    },
    startTime: spec.createdAt,
    submittedBy: spec.submittedBy,
    cluster: spec.cluster,
    status: row.status,
    endTime: row.endedAt,
    error: row.error,
    progress: { maps: row.maps, reduces: row.reduces },
    counters: row.counters,
    outputs: outputNames(store, -1, mostShown).map(([name]) => name),
    failedMaps: failedMaps(store),
    conditions: absence === undefined ? conditions : [...conditions, absence],
  };
};

/** The first maps that have failed and were tolerated: not the one that has failed the job. */
const failedMaps = (store: JobStore): number[] => {
  const { id, maps, error } = store.job.row();
  if (maps.failed === 0) return [];
  return store.tasks.failed("map", mostShown).filter((index) => taskIdOf(id, "map", index) !== error?.taskId);
};

/** A job as the REST API shows it. @param absence that there is no agent, where this is known */
export const viewJob = (store: JobStore, absence?: Condition): Job => withOutputUrls(viewSnapshot(store, absence));

/** The names of at most `limit` parts above index `after`, each with its index. There are none before the job is completed. */
const outputNames = (store: JobStore, after: number, limit: number): [string, number][] => {
  const row = store.job.row();
  if (row.status !== "completed") return [];
  return store.tasks.completed(outputKind(row), after, limit).map((index) => [partName(row.mapOnly, index), index]);
};

/** The URLs of the job's parts, in order. */
export const viewOutputs = (store: JobStore, request: PageRequest): Page => {
  const { id, request: job } = store.job.spec();
  let last = request.after === undefined ? -1 : Number(request.after);
  if (!Number.isSafeInteger(last)) last = Number.MAX_SAFE_INTEGER;
  const read = (limit: number): string[] =>
    outputNames(store, last, limit).map(([name, index]) => {
      last = index;
      return JSON.stringify(outputUrl(job.outputPath, job.useSSL, id, name));
    });
  return jsonPages(request.limit, read, () => String(last));
};

/** The tasks, newest first: reduces before maps, each kind from the highest index down. */
export const viewTasks = (store: JobStore, request: PageRequest): Page => {
  const spec = store.job.spec();
  const shuffle = shufflePath(spec, store.segments.anyPath());
  const start = /^([rm])-(\d+)$/.exec(request.after ?? "");
  let kind: "reduce" | "map" | undefined = start?.[1] === "m" ? "map" : "reduce";
  let below = start === null ? Number.MAX_SAFE_INTEGER : Number(start[2]);
  let last: string | null = null;
  const read = (limit: number): string[] => {
    const views: string[] = [];
    while (kind !== undefined && views.length < limit) {
      for (const { row, range, inputBytes } of store.tasks.below(kind, below, limit - views.length)) {
        views.push(JSON.stringify(viewTask(spec, row, range, inputBytes, shuffle)));
        below = row.index;
        last = `${kind === "map" ? "m" : "r"}-${row.index}`;
      }
      if (views.length < limit) {
        kind = kind === "reduce" ? "map" : undefined;
        below = Number.MAX_SAFE_INTEGER;
      }
    }
    return views;
  };
  return jsonPages(request.limit, read, () => last);
};

/** The folder of a job's map outputs, told from one of them; where they would be in the job's store while there is none. */
const shufflePath = ({ id, request }: JobSpec, mapOutput: string | undefined): string =>
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
const viewTask = (spec: JobSpec, row: TaskRow, range: InputRange | null, inputBytes: number, shuffle: string): Task => {
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
