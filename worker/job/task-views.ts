import { formatAddress } from "../../shared/address.ts";
import type { Attempt } from "../../shared/api/attempts.ts";
import type { Task, TaskDetail } from "../../shared/api/tasks.ts";
import { isHeld, taskIdOf, type AttemptRow, type TaskRow } from "../../shared/engine/machine.ts";
import { shuffleFolders } from "../../shared/outputs.ts";
import type { InputRange, SegmentRef } from "../../shared/protocol/tasks.ts";
import { isEnded } from "../../shared/status.ts";
import type { Page, PageRequest, TaskListRequest } from "../contracts.ts";
import { jsonPages } from "./json-pages.ts";
import { viewProgram } from "./programs.ts";
import type { JobSpec } from "./spec.ts";
import type { JobStore } from "./store.ts";
import type { ListedKind, ListedTask, MeasuredPlace, TaskPlace } from "./tables/task-lists.ts";

/** The tasks that are asked for, in the order that is asked for. @param now in ms since 1970 */
export const viewTasks = (store: JobStore, request: TaskListRequest, now: number): Page => {
  const show = taskViewer(store);
  const { order } = request;
  return order === "-duration" || order === "-startTime"
    ? byMeasure(store, request, order === "-duration" ? "duration" : "startTime", now, show)
    : byIndex(store, request, order === "index" ? "up" : "down", show);
};

/** A task with all that it reads; null where there is none of that id. */
export const viewTask = (store: JobStore, taskId: string): TaskDetail | null => {
  const found = findTask(store, taskId);
  if (found === undefined) return null;
  const { kind, index } = found.row;
  const inputs = kind === "map" ? store.tasks.input(index) : [];
  return {
    ...taskViewer(store)(found),
    inputs: inputs.map(({ path, start, end }) => ({ path, splitStart: start, splitEnd: end })),
  };
};

/** The attempts of a task, the newest first; null where there is no such task. */
export const viewAttempts = (store: JobStore, taskId: string, { limit, after }: PageRequest): Page | null => {
  const found = findTask(store, taskId);
  if (found === undefined) return null;
  const { row } = found;
  let below = Math.min(after === undefined ? Infinity : Number(after), row.attempts + 1);
  const read = (most: number): string[] => {
    const views: string[] = [];
    for (; below > 1 && views.length < most; below--) {
      const attempt = store.attempts.get(`${taskId}-${below - 1}`);
      if (attempt !== undefined) views.push(JSON.stringify(showAttempt(store, row, attempt, below - 1)));
    }
    return views;
  };
  return jsonPages(limit, read, () => String(below));
};

/** One attempt; null where there is no such task or attempt. */
export const viewAttempt = (store: JobStore, taskId: string, number: number): Attempt | null => {
  const found = findTask(store, taskId);
  const attempt = found && store.attempts.get(`${taskId}-${number}`);
  return found === undefined || attempt === undefined ? null : showAttempt(store, found.row, attempt, number);
};

/** Segments that are read at a time. */
const segmentsPage = 1000;

/**
 * What a reduce reads of the outputs of maps, in their order, while the job keeps them. A map has none; null where there is no
 * such task.
 */
export const viewSegments = (store: JobStore, taskId: string, { limit, after }: PageRequest): Page | null => {
  const found = findTask(store, taskId);
  if (found === undefined) return null;
  const { kind, index } = found.row;
  const job = store.job.row();
  const areKept = kind === "reduce" && (!isEnded(job.status) || isHeld(job));
  let from: number | null = areKept ? Number(after ?? 0) : null;
  let ready: SegmentRef[] = [];
  let last: number | null = null;
  const read = (most: number): string[] => {
    while (ready.length < most && from !== null) {
      const { segments, next } = store.segments.read(index, from, segmentsPage);
      ready.push(...segments);
      from = next;
    }
    const shown = ready.slice(0, most);
    ready = ready.slice(most);
    last = shown.at(-1)?.map ?? last;
    // Who has made it is nobody's business but the shuffle's.
    return shown.map((segment) => JSON.stringify({ ...segment, attempt: undefined }));
  };
  return jsonPages(limit, read, () => (last === null ? null : String(last + 1)));
};

const findTask = (store: JobStore, taskId: string): ListedTask | undefined => {
  const place = placeOf(store.job.spec().id, taskId);
  return place && store.taskLists.find(place);
};

const letters = { map: "m", reduce: "r" } as const;
const kindOf = (letter: string | undefined): ListedKind => (letter === letters.map ? "map" : "reduce");

/** @returns undefined where this cannot be the id of a map or a reduce of the job */
const placeOf = (jobId: string, taskId: string): TaskPlace | undefined => {
  const [, letter, index] = taskId.startsWith(`${jobId}-`)
    ? (/^-([mr])-(\d{1,9})$/.exec(taskId.slice(jobId.length)) ?? [])
    : [];
  return index === undefined ? undefined : { kind: kindOf(letter), index: Number(index) };
};

type ShowTask = (task: ListedTask) => Task;

/** By index: up, maps before reduces; down, reduces before maps. */
const byIndex = (
  store: JobStore,
  { limit, after, kind, status }: TaskListRequest,
  direction: "up" | "down",
  show: ShowTask,
): Page => {
  const all: readonly ListedKind[] = direction === "up" ? ["map", "reduce"] : ["reduce", "map"];
  const kinds = all.filter((each) => kind === undefined || each === kind);
  const begin = direction === "up" ? -1 : Number.MAX_SAFE_INTEGER;
  const [, letter, place] = /^([mr])-(\d{1,9})$/.exec(after ?? "") ?? [];
  let at = place === undefined ? 0 : Math.max(0, kinds.indexOf(kindOf(letter)));
  let from = place === undefined ? begin : Number(place);
  let last: string | null = null;
  const read = (most: number): string[] => {
    const views: string[] = [];
    for (let current = kinds[at]; current !== undefined && views.length < most; current = kinds[at]) {
      const wanted = most - views.length;
      const found = store.taskLists.byIndex(current, direction, from, status, wanted);
      for (const task of found) {
        views.push(JSON.stringify(show(task)));
        from = task.row.index;
        last = `${letters[current]}-${from}`;
      }
      if (found.length < wanted) {
        at++;
        from = begin;
      }
    }
    return views;
  };
  return jsonPages(limit, read, () => last);
};

const byMeasure = (
  store: JobStore,
  { limit, after, kind, status }: TaskListRequest,
  measure: "duration" | "startTime",
  now: number,
  show: ShowTask,
): Page => {
  const [, value, letter, index] = /^(\d{1,16})-([mr])-(\d{1,9})$/.exec(after ?? "") ?? [];
  let place: MeasuredPlace | undefined =
    index === undefined ? undefined : { value: Number(value), kind: kindOf(letter), index: Number(index) };
  let last: string | null = null;
  const read = (most: number): string[] =>
    store.taskLists.byMeasure(measure, kind, place, status, most, now).map((task) => {
      const { value: measured, row } = task;
      place = { value: measured, kind: row.kind === "map" ? "map" : "reduce", index: row.index };
      last = `${place.value}-${letters[place.kind]}-${place.index}`;
      return JSON.stringify(show(task));
    });
  return jsonPages(limit, read, () => last);
};

const showAttempt = (store: JobStore, task: TaskRow, attempt: AttemptRow, number: number): Attempt => {
  const { id, runnerId, startedAt, end } = attempt;
  return {
    number,
    runner: runnerId,
    startTime: startedAt,
    endTime: end?.at ?? null,
    outcome: end?.outcome ?? null,
    error: end?.error ?? null,
    logBytes: store.attempts.logBytes(id),
    counters: end?.counters ?? (task.winner === id ? task.counters : null),
  };
};

/** Shows tasks of a job as the REST API does. */
const taskViewer = (store: JobStore): ShowTask => {
  const spec = store.job.spec();
  const shuffle = shufflePath(spec, store.segments.firstPath());
  return (task) => showTask(spec, task, shuffle);
};

/** The folder of a job's first map output; where it would be in the job's store while there is none. */
const shufflePath = ({ id, request }: JobSpec, mapOutput: string | undefined): string =>
  mapOutput === undefined
    ? formatAddress(shuffleFolders(request.outputPath, request.useSSL, id)[0])
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
 * @param shuffle the folder of the map outputs
 */
const showTask = (spec: JobSpec, { row, range, inputBytes }: ListedTask, shuffle: string): Task => {
  const { programs } = spec;
  const id = taskIdOf(spec.id, row.kind, row.index);
  const map = row.kind === "map";
  return {
    id,
    type: map ? "mapper" : "reducer",
    status: row.status,
    program: viewProgram(map ? programs.mapper : (programs.reducer ?? programs.mapper)),
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
