import type { z } from "zod";
import { programRoles } from "../../shared/protocol/tasks.ts";
import { ArtifactSchema, ArtifactTypeSchema } from "../../shared/api/artifacts.ts";
import { ClusterSchema } from "../../shared/api/clusters.ts";
import { JobRequestSchema } from "../../shared/api/job-request.ts";
import { JobSchema } from "../../shared/api/jobs.ts";
import { ProblemSchema } from "../../shared/api/problems.ts";
import { TaskSchema } from "../../shared/api/tasks.ts";
import { maxPage } from "./lists.ts";

/** Where the document keeps a schema of this id. */
export const schemaUri = (id: string): string => `#/components/schemas/${id}`;

const refTo = (schema: z.ZodType) => {
  const id = schema.meta()?.id;
  if (id === undefined) throw new Error("a schema of the API has no id");
  return { $ref: schemaUri(id) };
};

const json = (schema: object) => ({ "application/json": { schema } });
const answer = (description: string, schema: object) => ({ description, content: json(schema) });
const listOf = (schema: z.ZodType) => ({ type: "array", items: refTo(schema) });
const binary = { "application/octet-stream": { schema: { type: "string", format: "binary" } } };

const problem = {
  description: "A problem, as RFC 9457 has it",
  content: { "application/problem+json": { schema: refTo(ProblemSchema) } },
};

const inPath = (name: string, description: string, schema: object = { type: "string" }) => ({
  name,
  in: "path",
  required: true,
  description,
  schema,
});

const page = [
  {
    name: "limit",
    in: "query",
    description: "Most items of a page; without it the list comes whole",
    schema: { type: "integer", minimum: 1, maximum: maxPage },
  },
  {
    name: "after",
    in: "query",
    description: "Taken from the `next` link of the page before",
    schema: { type: "string" },
  },
];

const listAnswer = (schema: z.ZodType) => ({
  ...answer("Newest first", listOf(schema)),
  headers: {
    Link: { description: 'The next page, where there is one: `<…>; rel="next"`', schema: { type: "string" } },
  },
});

const operation = (
  operationId: string,
  summary: string,
  responses: Record<string, object>,
  more: { requestBody?: object; parameters?: object[]; security?: object[] } = {},
) => ({ operationId, summary, ...more, responses: { ...responses, default: problem } });

const artifactName = inPath("filename", "The artifact's name");
const jobId = inPath("id", "The job's id");
const runner = [{ runner: [] }];
const upgraded = { "101": { description: "A WebSocket" } };

const uploadForm = {
  type: "object",
  properties: {
    program: { type: "string", format: "binary", description: "The file; its filename becomes the artifact's name" },
    type: {
      type: "string",
      enum: ArtifactTypeSchema.options,
      description: "By default `executable`, or `module` for an `.mjs` or `.mts` file without a `#!` line.",
    },
  },
  required: ["program"],
  additionalProperties: false,
};

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  description: "The same key with the same request makes one job; remembered for 24 hours",
  schema: { type: "string", maxLength: 255 },
};

/** What can be done at each path. */
export const openApiPaths = {
  "/": { get: operation("root", "What there is", { "200": answer("Links", { type: "object" }) }) },
  "/openapi.json": { get: operation("openapi", "This document", { "200": answer("OpenAPI 3.1", { type: "object" }) }) },
  "/api/v1/artifacts": {
    get: operation("listArtifacts", "List all artifacts", { "200": listAnswer(ArtifactSchema) }, { parameters: page }),
    put: operation(
      "putArtifact",
      "Upload an artifact; one of the same name is replaced",
      { "200": answer("The artifact", refTo(ArtifactSchema)) },
      { requestBody: { required: true, content: { "multipart/form-data": { schema: uploadForm } } } },
    ),
  },
  "/api/v1/artifacts/{filename}": {
    parameters: [artifactName],
    get: operation("getArtifact", "An artifact's metadata", { "200": answer("It", refTo(ArtifactSchema)) }),
    delete: operation("deleteArtifact", "Delete an artifact; jobs that use it keep it", {
      "204": { description: "Deleted" },
    }),
  },
  "/api/v1/artifacts/{filename}/content": {
    parameters: [artifactName],
    get: operation("getArtifactContent", "Download an artifact", { "200": { description: "It", content: binary } }),
  },
  "/api/v1/jobs": {
    get: operation("listJobs", "List all jobs", { "200": listAnswer(JobSchema) }, { parameters: page }),
    post: operation(
      "createJob",
      "Run a job",
      { "201": answer("The job, which `Location` names", refTo(JobSchema)) },
      { parameters: [idempotencyKey], requestBody: { required: true, content: json(refTo(JobRequestSchema)) } },
    ),
  },
  "/api/v1/jobs/{id}": {
    parameters: [jobId],
    get: operation("getJob", "A job", { "200": answer("It", refTo(JobSchema)) }),
    delete: operation("stopJob", "Stop a job", { "200": answer("Stopped", { type: "string" }) }),
  },
  "/api/v1/jobs/{id}/tasks": {
    parameters: [jobId],
    get: operation("listTasks", "A job's tasks", { "200": listAnswer(TaskSchema) }, { parameters: page }),
  },
  "/api/v1/clusters": {
    get: operation("listClusters", "The clusters that jobs can run on", {
      "200": answer("In the order of AGENT_TOKENS", listOf(ClusterSchema)),
    }),
  },
  "/api/v1/jobs/{id}/link": {
    parameters: [jobId],
    get: operation("linkRunner", "For the job's runners", upgraded, { security: runner }),
  },
  "/api/v1/jobs/{id}/programs/{role}": {
    parameters: [jobId, inPath("role", "What the program is for", { type: "string", enum: programRoles })],
    get: operation(
      "getProgram",
      "A program as the job pinned it, for the job's runners",
      { "200": { description: "It", content: binary } },
      { security: runner },
    ),
  },
  "/api/v1/agents/{cluster}/link": {
    parameters: [inPath("cluster", "The cluster's name")],
    get: operation("linkAgent", "For the cluster's agent", upgraded, { security: [{ agent: [] }] }),
  },
};
