import type { z } from "zod";
import { StoredArtifactSchema, type Artifact, type Program } from "../../shared/api/artifacts.ts";
import { AttemptSchema } from "../../shared/api/attempts.ts";
import { ClusterSchema } from "../../shared/api/clusters.ts";
import { EventSchema, type JournalEvent } from "../../shared/api/events.ts";
import { JobChangesSchema, JobRequestSchema } from "../../shared/api/job-request.ts";
import { JobDetailSchema, JobSchema, OutputUrlSchema, type Job } from "../../shared/api/jobs.ts";
import { NotificationKeySchema } from "../../shared/api/notification.ts";
import { ProblemSchema } from "../../shared/api/problems.ts";
import { SegmentSchema } from "../../shared/api/segments.ts";
import { MeSchema } from "../../shared/api/me.ts";
import { TaskDetailSchema, TaskSchema, TaskStatesSchema, type Task } from "../../shared/api/tasks.ts";
import { IssuedTokenSchema, TokenRequestSchema, TokenSchema, type Token } from "../../shared/api/tokens.ts";

/** What the OpenAPI document shows of bodies: a word count on the store of `npm run dev`, as it was posted and answered. */

export const exampleId = "01a22710-e1e9-70cb-b329-ebc7cb9e567a";
const inputPath = "http://localhost:4750/cdn-cgi/local/r2/s3/data/books/";
const outputPath = "http://localhost:4750/cdn-cgi/local/r2/s3/data/counts";
const object = `${inputPath}readme.txt`;
const output = `${outputPath}/${exampleId}/part-r-00000`;
const credentials = { username: "local-development", password: "local-development-secret" };

const mapper: Artifact & Program = {
  name: "mapper.mjs",
  type: "module",
  size: 186,
  hash: "6a383c825368e516a396312409591defd00f6987da7d65fdde62bb18874d2bd8",
};
const reducer: Program = {
  name: "reducer.mjs",
  type: "module",
  size: 268,
  hash: "549b83dea0d5a45a6fb969186262f1cf49d77bd592dffc7c3ab7b8b708a6d887",
};

const counted = {
  mapInputRecords: 813,
  mapInputBytes: 85517,
  mapOutputRecords: 8423,
  mapOutputBytes: 45434,
};

const job: Job = {
  id: exampleId,
  name: "Word count",
  tags: { team: "search" },
  rerunOf: null,
  programs: { mapper, reducer },
  nReducers: 1,
  outputLocation: { location: outputPath, useSSL: false },
  inputData: { id: exampleId, path: inputPath, type: "file/txt", splitStart: 0, splitEnd: 85517 },
  startTime: 1795951747561,
  submittedBy: "anna",
  cluster: "default",
  status: "completed",
  endTime: 1795951749030,
  error: null,
  progress: {
    maps: { total: 1, running: 0, completed: 1, failed: 0 },
    reduces: { total: 1, running: 0, completed: 1, failed: 0 },
  },
  counters: {
    builtin: {
      ...counted,
      shuffleBytes: 11417,
      reduceInputRecords: 1244,
      reduceInputGroups: 1244,
      outputRecords: 1244,
      outputBytes: 11370,
    },
    user: {},
  },
  outputs: [output],
  failedMaps: [],
  conditions: [],
};

const request: z.input<typeof JobRequestSchema> = {
  name: "Word count",
  tags: { team: "search" },
  inputPath,
  outputPath,
  mapperName: mapper.name,
  reducerName: reducer.name,
};

const task: Task = {
  id: `${exampleId}-m-0`,
  type: "mapper",
  status: "completed",
  program: mapper,
  inputData: { id: `${exampleId}-m-0`, path: object, type: "file/txt", splitStart: 0, splitEnd: 85517 },
  podName: "runner-710e821e-573e",
  startTime: 1795951748649,
  attempt: 1,
  endTime: 1795951748855,
  message: "",
  error: null,
  counters: { builtin: counted, user: {} },
};

const token: Token = { name: "anna", role: "submitter", expires: "2030-12-31", created: 1795951700000 };

export const exampleEvent: JournalEvent = {
  id: 7,
  time: 1795951748655,
  kind: "task",
  task: task.id,
  type: "mapper",
  status: "in-progress",
  attempt: 1,
  runner: task.podName,
  change: "started",
  speculative: false,
  error: null,
};

const example = <S extends z.ZodType>(schema: S, value: z.input<S>) => ({ schema, value });

/** Examples of the schemas with an id. */
export const examples: readonly { readonly schema: z.ZodType; readonly value: unknown }[] = [
  example(StoredArtifactSchema, { ...mapper, uploadedAt: 1795951747366, uploadedBy: "anna" }),
  example(JobRequestSchema, {
    ...request,
    inputStorageCredentials: credentials,
    outputStorageCredentials: credentials,
    notify: { url: "https://hooks.example.com/jobs" },
  }),
  example(NotificationKeySchema, { keys: ["9f2c0d7e51a84b36c0ffee0123456789abcdef0123456789abcdef0123456789"] }),
  example(JobChangesSchema, { nReducers: 2, inputStorageCredentials: credentials, outputStorageCredentials: null }),
  example(JobSchema, job),
  example(JobDetailSchema, {
    ...job,
    request,
    files: [],
    archives: [],
    notification: { status: "delivered", attempts: 1, lastError: null },
  }),
  example(OutputUrlSchema, output),
  example(TaskSchema, task),
  example(TaskDetailSchema, { ...task, inputs: [{ path: object, splitStart: 0, splitEnd: 85517 }] }),
  example(TaskStatesSchema, { maps: "ccrrs", reduces: "s" }),
  example(MeSchema, { name: "anna", role: "submitter" }),
  example(SegmentSchema, {
    map: 0,
    path: `http://localhost:4750/cdn-cgi/local/r2/s3/reducers/.edgefold/${exampleId}/m-0-1`,
    offset: 0,
    length: 24_817,
    largestBlock: 65_536,
  }),
  example(AttemptSchema, {
    number: 1,
    runner: task.podName,
    startTime: task.startTime,
    endTime: task.endTime,
    outcome: "won",
    error: null,
    logBytes: null,
    counters: task.counters,
  }),
  example(EventSchema, exampleEvent),
  example(ClusterSchema, {
    name: "default",
    connected: true,
    version: "0.1.0",
    launcher: "process",
    capacity: 2,
    lastContact: 1795951746726,
    problem: null,
  }),
  example(TokenRequestSchema, { role: token.role, expires: "2030-12-31" }),
  example(TokenSchema, token),
  example(IssuedTokenSchema, { ...token, token: "ef_3q2-7wAbCdEfGhIjKlMnOpQrStUvWxYz0123456789A" }),
  example(ProblemSchema, {
    type: "urn:edgefold:problem:unknown-artifact",
    title: "Unknown artifact",
    status: 404,
    detail: "mapperName names the artifact 'mapper.mjs', which does not exist",
    errors: [{ field: "mapperName", message: "names the artifact 'mapper.mjs', which does not exist" }],
  }),
];
