import { v7 as uuidv7 } from "uuid";
import { z } from "zod";
import { JobRequestSchema, type JobRequest } from "../../shared/api/job-request.ts";
import { JobDetailSchema, OutputUrlSchema, type JobDetail } from "../../shared/api/jobs.ts";
import { isEnded } from "../../shared/status.ts";
import { check, readJson } from "../http/body.ts";
import { clusterNames } from "../configuration.ts";
import { jobOf, registryOf, type Env } from "../env.ts";
import { fingerprintsOf } from "../secrets/fingerprint.ts";
import { listAnswer, listResponse, pageOf, pageParameters } from "../http/lists.ts";
import { jsonAnswer, jsonBody, refTo } from "../http/operation.ts";
import type { ReservationRequest } from "../contracts.ts";
import { exampleId } from "../http/examples.ts";
import { askJob, jobParameter, unknownJob } from "./ask-job.ts";
import { listJobs } from "./job-list.ts";
import { requireReachable } from "./notification.ts";
import { programsFor } from "../job/programs.ts";
import { featuresOf } from "../job/spec.ts";
import { credentialSecrets } from "../job/targets/pods.ts";
import { busy, invalidRequest, ProblemError } from "../http/problems.ts";
import { artifactNamesOf, placeArtifacts, refusedUses } from "./job-artifacts.ts";
import { jsonResponse } from "../http/responses.ts";
import { param, type Call, type Resource } from "../http/resource.ts";

const keyForm = /^[!-~]([ -~]{0,253}[!-~])?$/;

const IdempotencySchema = z.object({
  "Idempotency-Key": z.string().regex(keyForm, "must have 1 to 255 visible ASCII characters").optional(),
});

/** The cluster for a job that names none: the only one, or the one of this name. */
const defaultCluster = "default";

const clusterFor = (env: Env, wanted: string | undefined): string => {
  const clusters = clusterNames(env);
  const [only, ...others] = clusters;
  if (wanted === undefined && others.length === 0 && only !== undefined) return only;
  const cluster = wanted ?? defaultCluster;
  if (clusters.includes(cluster)) return cluster;
  const message = wanted === undefined ? "is required, as no cluster is named 'default'" : "names no cluster";
  throw invalidRequest([{ field: "cluster", message: `${message}; there are ${clusters.join(", ")}` }]);
};

const reservationFor = async (
  { env, caller }: Call,
  request: JobRequest,
  cluster: string,
  key: string | null,
): Promise<ReservationRequest> => ({
  id: uuidv7(),
  createdAt: Date.now(),
  cluster,
  names: artifactNamesOf(request),
  idempotency:
    key === null ? undefined : { caller: caller.name, key, fingerprints: await fingerprintsOf(env, request) },
});

/** Starts a job. @param rerunOf the job that this one is started again from */
export const createJob = async (
  call: Call,
  request: JobRequest,
  key: string | null,
  rerunOf?: string,
): Promise<JobDetail> => {
  const { env, caller } = call;
  requireReachable(env, request);
  const cluster = clusterFor(env, request.cluster);
  const reservation = await registryOf(env).createJob(await reservationFor(call, request, cluster, key));
  switch (reservation.kind) {
    case "reserved": {
      const { id, createdAt, createBefore, region } = reservation;
      const programs = programsFor(request, reservation.programs);
      const files = placeArtifacts(request.files, reservation.files);
      const archives = placeArtifacts(request.archives, reservation.archives);
      const { inputStorageCredentials, outputStorageCredentials } = request;
      const secrets = credentialSecrets(inputStorageCredentials, outputStorageCredentials);
      const submittedBy = caller.name;
      const features = featuresOf(request, programs);
      const posted = { id, createdAt, submittedBy, cluster, request, rerunOf };
      const spec = { ...posted, credentialSecrets: secrets, programs, files, archives, features };
      const job = await jobOf(env, id, region).create(spec, createBefore);
      if (job === null) throw busy("The job could not be created in time. Send the request again.");
      // The object tells the Registry, too, in its own time; the answer must not be ahead of what can be asked for.
      await registryOf(env).confirmJob(job);
      return job;
    }
    case "exists": {
      const job = await jobOf(env, reservation.id).describe();
      if (job === null) throw unknownJob(reservation.id);
      return job;
    }
    case "conflict":
      throw new ProblemError(
        "idempotency-conflict",
        `The Idempotency-Key '${key}' was sent with another request before. Use another key.`,
      );
    case "full":
      throw new ProblemError(
        "too-many-jobs",
        `The cluster '${cluster}' has ${reservation.limit} jobs that have not ended, and may have no more. ` +
          "Send the request again when some have ended.",
        { headers: { "Retry-After": "60" } },
      );
    default:
      throw refusedUses(reservation);
  }
};

/** The header `Idempotency-Key`, or null. @throws ProblemError where it is malformed */
export const keyOf = ({ request }: Call): string | null => {
  const key = request.headers.get("Idempotency-Key");
  check(IdempotencySchema, { "Idempotency-Key": key ?? undefined });
  return key;
};

export const created = (job: JobDetail): Response =>
  jsonResponse(JSON.stringify(job), 201, { Location: `/api/v1/jobs/${job.id}` });

const postJob = async (call: Call): Promise<Response> => {
  const key = keyOf(call);
  return created(await createJob(call, await readJson(call.request, JobRequestSchema), key));
};

const DeleteQuerySchema = z.object({ purge: z.enum(["true", "false"], "must be true or false").optional() });

const deleteJob = async (call: Call): Promise<Response> => {
  const { purge } = check(DeleteQuerySchema, Object.fromEntries(call.url.searchParams));
  return purge === "true" ? await purgeJob(call) : await stopJob(call);
};

const stopJob = async (call: Call): Promise<Response> => {
  const id = param(call, "id");
  const outcome = await askJob(call, async (job) => await job.stop());
  if (outcome === "unknown") throw unknownJob(id);
  if (outcome === "ended") throw new ProblemError("job-ended", `Job ${id} has already ended.`);
  if (outcome === "committing") {
    throw new ProblemError("job-committing", `Job ${id} is committing its output. It can no longer be stopped.`);
  }
  const done = outcome === "let-go" ? "is no longer kept, and is cleaned up" : "was successfully stopped";
  return jsonResponse(JSON.stringify(`Job ${id} ${done}`));
};

const purgeJob = async (call: Call): Promise<Response> => {
  const { id, status, heldUntil } = await askJob(call, async (job) => await job.describe());
  if (!(await registryOf(call.env).purgeJob(id))) {
    const stop = `Stop it first: DELETE /api/v1/jobs/${id}.`;
    const [why, cure] = !isEnded(status)
      ? ["has not ended", stop]
      : heldUntil != null
        ? ["is kept so that it can be resumed", stop]
        : ["is still being cleaned up", "Send the request again later."];
    throw new ProblemError("job-not-over", `Job ${id} ${why}. ${cure}`);
  }
  // The Registry has it done in any case; here it is done at once, so that whoever asks now finds nothing.
  await jobOf(call.env, id).erase();
  return jsonResponse(JSON.stringify(`Job ${id} was successfully removed`));
};

const listOutputs = async (call: Call): Promise<Response> => {
  const page = pageOf(call.url);
  return listResponse(call, await askJob(call, async (job) => await job.outputs(page)));
};

const getJob = async (call: Call): Promise<Response> =>
  jsonResponse(JSON.stringify(await askJob(call, async (job) => await job.describe())));

export const keyParameter = {
  name: "Idempotency-Key",
  in: "header" as const,
  description: "A caller who repeats a request with the same key within 24 hours gets the same job.",
  schema: { type: "string", pattern: keyForm.source },
};

/** What keeps a job from being started. */
export const startProblems = ["unknown-artifact", "too-many-jobs"] as const;

export const jobResources: readonly Resource[] = [
  {
    path: "/api/v1/jobs",
    audience: "api",
    methods: {
      GET: listJobs,
      POST: {
        operation: {
          id: "createJob",
          summary: "Start a job",
          parameters: [keyParameter],
          requestBody: jsonBody(JobRequestSchema),
          responses: { "201": jsonAnswer("The job. `Location` is its path.", refTo(JobDetailSchema)) },
          problems: startProblems,
        },
        handle: postJob,
      },
    },
    advice: {
      DELETE: "Name the job to stop: DELETE /api/v1/jobs/{id}.",
    },
  },
  {
    path: "/api/v1/jobs/:id",
    audience: "api",
    parameters: [jobParameter],
    methods: {
      GET: {
        operation: {
          id: "getJob",
          summary: "Get a job",
          responses: { "200": jsonAnswer("The job", refTo(JobDetailSchema)) },
        },
        handle: getJob,
      },
      DELETE: {
        operation: {
          id: "stopJob",
          summary: "Stop a job, let go of one that is kept, or remove one that has ended",
          parameters: [
            {
              name: "purge",
              in: "query",
              description: "`true` removes an ended job and all that is kept of it, but for its output.",
              schema: { enum: ["true", "false"] },
            },
          ],
          responses: {
            "200": jsonAnswer("The job is stopped, or removed", {
              type: "string",
              examples: [`Job ${exampleId} was successfully stopped`],
            }),
          },
          problems: ["job-ended", "job-committing", "job-not-over"],
        },
        handle: deleteJob,
      },
    },
  },
  {
    path: "/api/v1/jobs/:id/outputs",
    audience: "api",
    parameters: [jobParameter],
    methods: {
      GET: {
        operation: {
          id: "listOutputs",
          summary: "List the outputs of a job",
          parameters: pageParameters,
          responses: {
            "200": listAnswer(
              "URLs of the parts, in order. There are none before the job is completed.",
              OutputUrlSchema,
            ),
          },
        },
        handle: listOutputs,
      },
    },
  },
];
