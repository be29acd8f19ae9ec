import { EventHeadSchema } from "../../shared/api/events.ts";
import type { Condition, Job, JobDetail } from "../../shared/api/jobs.ts";
import type { Notification } from "../../shared/api/notification.ts";
import { isHeld, outputKind, taskIdOf } from "../../shared/engine/machine.ts";
import { mostShown, outputUrl, withOutputUrls } from "../../shared/outputs.ts";
import { partName } from "../../shared/status.ts";
import type { Items, Page, PageRequest } from "../contracts.ts";
import { jsonPages } from "./json-pages.ts";
import { viewProgram } from "./programs.ts";
import { placedOf } from "./spec.ts";
import type { JobStore } from "./store.ts";

/** A job as the Registry keeps it: `outputs` has the names of parts, in place of their URLs. */
export const viewSnapshot = (store: JobStore, absence?: Condition): Job => {
  const spec = store.job.spec();
  const row = store.job.row();
  const { request, programs } = spec;
  const conditions = store.conditions.all();
  return {
    id: spec.id,
    name: request.name ?? null,
    tags: request.tags ?? {},
    rerunOf: spec.rerunOf ?? null,
    programs: {
      mapper: viewProgram(programs.mapper),
      reducer: programs.reducer && viewProgram(programs.reducer),
      combiner: programs.combiner && viewProgram(programs.combiner),
    },
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
    heldUntil: isHeld(row) ? row.heldUntil : null,
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
export const viewJob = (store: JobStore, absence?: Condition): JobDetail => ({
  ...withOutputUrls(viewSnapshot(store, absence)),
  request: store.job.spec().request,
  files: (store.job.spec().files ?? []).map(placedOf),
  archives: (store.job.spec().archives ?? []).map(placedOf),
  notification: viewNotification(store),
});

const viewNotification = (store: JobStore): Notification | null => {
  const row = store.notification.get();
  return row && { status: row.status, attempts: row.attempts, lastError: row.error };
};

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

/** What has happened to the job, the oldest first: at most `limit` events whose numbers are above `after`. */
export const viewEvents = ({ journal }: JobStore, after: number, limit: number): Items => {
  const items = journal.page(after, limit);
  const last = items.at(-1);
  if (last === undefined || items.length < limit) return { items, next: null };
  return { items, next: String(EventHeadSchema.parse(JSON.parse(last)).id) };
};
