import type { z } from "zod";
import { JobChangesSchema, JobRequestSchema, type JobRequest } from "../../shared/api/job-request.ts";
import { JobDetailSchema } from "../../shared/api/jobs.ts";
import { placementFields } from "../../shared/api/placements.ts";
import { programRoles } from "../../shared/protocol/tasks.ts";
import type { ArtifactNames, KeptRequest } from "../contracts.ts";
import { registryOf } from "../env.ts";
import { check, readJson } from "../http/body.ts";
import { jsonAnswer, jsonBody, refTo } from "../http/operation.ts";
import { invalidRequest, ProblemError } from "../http/problems.ts";
import { param, type Call, type Resource } from "../http/resource.ts";
import { jsonResponse } from "../http/responses.ts";
import { askJob, jobParameter } from "./ask-job.ts";
import { artifactNamesOf, placeArtifacts, refusedUses } from "./job-artifacts.ts";
import { createJob, created, keyOf, keyParameter, startProblems } from "./jobs.ts";
import { requireReachable } from "./notification.ts";

/** Jobs that are started again, or taken up where they have failed. */

type Changes = z.infer<typeof JobChangesSchema>;

/** A request with some fields replaced, or taken away where they are null (RFC 7396). @throws ProblemError where it makes no sense */
const merge = (request: JobRequest, changes: Changes): JobRequest => {
  const merged = Object.entries({ ...request, ...changes }).filter(([, value]) => value !== null);
  return check(JobRequestSchema, Object.fromEntries(merged));
};

/** Starts a job like an earlier one. */
const rerunJob = async (call: Call): Promise<Response> => {
  const key = keyOf(call);
  const changes = await readJson(call.request, JobChangesSchema);
  const { request, sealed } = await askJob(call, async (job) => await job.request());
  const missing = sealed.filter((field) => !(field in changes));
  if (missing.length > 0) {
    const message = "must be sent again, or be null: it is not told to anybody";
    throw invalidRequest(missing.map((field) => ({ field, message })));
  }
  return created(await createJob(call, merge(request, changes), key, param(call, "id")));
};

/** What a job has read, and where its output goes: with another one it would be another job. */
const fixedFields: readonly string[] = [
  "inputPath",
  "inputType",
  "inputCompression",
  "outputPath",
  "s3Endpoint",
  "useSSL",
  "nReducers",
  "splitSize",
  "combineInputs",
  "cluster",
];

const refuseFixed = (changes: Changes, { request }: KeptRequest, id: string): void => {
  const isOther = (field: string): boolean =>
    JSON.stringify(changes[field]) !== JSON.stringify(Object.entries(request).find(([name]) => name === field)?.[1]);
  const refused = Object.keys(changes).filter((field) => fixedFields.includes(field) && isOther(field));
  if (refused.length === 0) return;
  const message = `cannot be replaced when a job is resumed; start another one: POST /api/v1/jobs/${id}/rerun`;
  throw invalidRequest(refused.map((field) => ({ field, message })));
};

/** The names of those artifacts whose fields are replaced. */
const namesAmong = (changed: readonly string[], names: ArtifactNames): ArtifactNames =>
  Object.fromEntries(
    [...programRoles, ...placementFields].flatMap((use) =>
      changed.includes(use) || changed.includes(`${use}Name`) ? [[use, names[use]]] : [],
    ),
  );

/** Takes up a failed job whose work was kept. */
const resumeJob = async (call: Call): Promise<Response> => {
  const id = param(call, "id");
  const changes = await readJson(call.request, JobChangesSchema);
  const kept = await askJob(call, async (job) => await job.request());
  refuseFixed(changes, kept, id);
  const request = merge(kept.request, changes);
  requireReachable(call.env, request);
  const changed = Object.keys(changes);
  const pinned = await registryOf(call.env).pinAgain(id, namesAmong(changed, artifactNamesOf(request)));
  if (pinned.kind !== "pinned") throw refusedUses(pinned);
  const change = {
    request,
    changed,
    programs: pinned.programs,
    files: placeArtifacts(request.files, pinned.files),
    archives: placeArtifacts(request.archives, pinned.archives),
  };
  const job = await askJob(call, async (asked) => await asked.resume(change));
  if (job === "not-held") {
    throw new ProblemError(
      "job-not-held",
      `Nothing is kept of job ${id} that could be resumed. Start it again: POST /api/v1/jobs/${id}/rerun.`,
    );
  }
  return jsonResponse(JSON.stringify(job));
};

export const againResources: readonly Resource[] = [
  {
    path: "/api/v1/jobs/:id/rerun",
    audience: "api",
    parameters: [jobParameter],
    methods: {
      POST: {
        operation: {
          id: "rerunJob",
          summary: "Start a job like this one, with some fields replaced",
          parameters: [keyParameter],
          requestBody: jsonBody(JobChangesSchema),
          responses: { "201": jsonAnswer("The new job. `Location` is its path.", refTo(JobDetailSchema)) },
          problems: startProblems,
        },
        handle: rerunJob,
      },
    },
  },
  {
    path: "/api/v1/jobs/:id/resume",
    audience: "api",
    parameters: [jobParameter],
    methods: {
      POST: {
        operation: {
          id: "resumeJob",
          summary: "Take up a failed job whose work was kept (keepFailedSeconds), with some fields replaced",
          requestBody: jsonBody(JobChangesSchema),
          responses: { "200": jsonAnswer("The job, which goes on", refTo(JobDetailSchema)) },
          problems: ["unknown-artifact", "job-not-held"],
        },
        handle: resumeJob,
      },
    },
  },
];
