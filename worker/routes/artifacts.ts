import { z } from "zod";
import {
  ArtifactNameSchema,
  artifactTypes,
  ArtifactTypeSchema,
  StoredArtifactSchema,
  type StoredArtifact,
} from "../../shared/api/artifacts.ts";
import { storedArtifactOf } from "../artifacts/stored-artifact.ts";
import type { StoredContent } from "../contracts.ts";
import { ContentUpload } from "../artifacts/content-upload.ts";
import { check, requireMediaType } from "../http/body.ts";
import { requireLength } from "../http/chunks.ts";
import { contentResponse } from "../artifacts/content-response.ts";
import { registryOf } from "../env.ts";
import { listAnswer, loadFirst, PageQuerySchema, pageParameters, streamList } from "../http/lists.ts";
import { bytesAnswer, jsonAnswer, pathParameter, refTo } from "../http/operation.ts";
import { busy, ProblemError } from "../http/problems.ts";
import { maxFormBytes, readProgramForm } from "../artifacts/program-form.ts";
import { UploadSlots } from "../artifacts/upload-slots.ts";
import { jsonResponse } from "../http/responses.ts";
import { param, type Call, type Resource } from "../http/resource.ts";

const unknownArtifact = (name: string): ProblemError =>
  new ProblemError("unknown-artifact", `No artifact is named '${name}'.`);

const findArtifact = async (call: Call): Promise<StoredContent> => {
  const name = param(call, "filename");
  const found = ArtifactNameSchema.safeParse(name).success ? await registryOf(call.env).getArtifact(name) : null;
  if (found === null) throw unknownArtifact(name);
  return found;
};

/**
 * Uploads at a time. Each holds a part, of which R2 makes a copy, so these are 60 MiB of the 128 MB that an isolate has. They wait
 * less long than the platform leaves to a request whose client has gone.
 */
const uploadSlots = new UploadSlots(6, 20_000);

const storeArtifact = async ({ request, env, caller }: Call): Promise<StoredArtifact> => {
  if (request.body === null) throw new ProblemError("malformed-form", "No form was sent.");
  requireLength(request, maxFormBytes);
  const slot = await uploadSlots.take();
  const upload = new ContentUpload(env, slot);
  try {
    const form = await readProgramForm(request.body, request.headers.get("Content-Type") ?? "", upload);
    const artifact = { ...form, ...(await upload.finish()) };
    const stored = await registryOf(env).putArtifact(artifact, caller.name);
    if (stored === null) throw busy("The upload took too long. Send it again.");
    return storedArtifactOf(stored);
  } catch (error) {
    await upload.abandon();
    throw error;
  } finally {
    slot.release();
  }
};

const putArtifact = async (call: Call): Promise<Response> => {
  requireMediaType(call.request, "multipart/form-data");
  const stored = storeArtifact(call);
  // So that an upload is tidied up after although its client has gone.
  call.ctx.waitUntil(stored.catch(() => undefined));
  return jsonResponse(JSON.stringify(await stored));
};

const QuerySchema = PageQuerySchema.extend({
  type: z.enum(artifactTypes, `must be one of ${artifactTypes.join(", ")}`).optional(),
});

const listArtifacts = async ({ url, env }: Call): Promise<Response> => {
  const { type, ...page } = check(QuerySchema, Object.fromEntries(url.searchParams));
  const load = async (after: string | null, limit: number) => await registryOf(env).listArtifacts(type, after, limit);
  return streamList(url, page, await loadFirst(page, load), load);
};

const getContent = async (call: Call): Promise<Response> => {
  const response = await contentResponse(call.env.ARTIFACTS, await findArtifact(call));
  // Between the two looks the artifact may have been replaced; the second look finds the new one.
  const again = response ?? (await contentResponse(call.env.ARTIFACTS, await findArtifact(call)));
  if (again === null) throw unknownArtifact(param(call, "filename"));
  return again;
};

const deleteArtifact = async (call: Call): Promise<Response> => {
  const name = param(call, "filename");
  if (!(await registryOf(call.env).deleteArtifact(name))) throw unknownArtifact(name);
  return new Response(null, { status: 204 });
};

const nameParameter = pathParameter("filename", "The artifact's name", "unknown-artifact");
const artifactAnswer = (description: string) => jsonAnswer(description, refTo(StoredArtifactSchema));

const uploadForm = {
  type: "object",
  properties: {
    program: { type: "string", format: "binary", description: "The file. Its filename becomes the artifact's name." },
    type: {
      type: "string",
      enum: ArtifactTypeSchema.options,
      description:
        "Inferred by default. `executable`: it begins with `#!` or as a binary for Linux or macOS. `module`: an `.mjs` or `.mts` file. " +
        "`wasm`: a WebAssembly module. `archive`: a `.tar.gz`, `.tgz`, `.tar` or `.zip` file. `file`: any other.",
    },
  },
  required: ["program"],
  additionalProperties: false,
  examples: [{ program: "#!/bin/sh\nexec grep -i fold\n", type: "executable" }],
};

export const artifactResources: readonly Resource[] = [
  {
    path: "/api/v1/artifacts",
    audience: "api",
    methods: {
      GET: {
        operation: {
          id: "listArtifacts",
          summary: "List artifacts",
          parameters: [
            ...pageParameters,
            { name: "type", in: "query", description: "Only artifacts of this type", schema: { enum: artifactTypes } },
          ],
          responses: { "200": listAnswer("Artifacts, newest first", StoredArtifactSchema) },
        },
        handle: listArtifacts,
      },
      PUT: {
        operation: {
          id: "putArtifact",
          summary: "Upload an artifact, or replace the one of that name",
          requestBody: { required: true, content: { "multipart/form-data": { schema: uploadForm } } },
          responses: { "200": artifactAnswer("The stored artifact") },
        },
        handle: putArtifact,
      },
    },
  },
  {
    path: "/api/v1/artifacts/:filename",
    audience: "api",
    parameters: [nameParameter],
    methods: {
      GET: {
        operation: {
          id: "getArtifact",
          summary: "Get an artifact's metadata",
          responses: { "200": artifactAnswer("The artifact") },
        },
        handle: async (call) => jsonResponse(JSON.stringify(storedArtifactOf(await findArtifact(call)))),
      },
      DELETE: {
        // Others may start jobs with it.
        role: "admin",
        operation: {
          id: "deleteArtifact",
          summary: "Delete an artifact; jobs that were started with it keep it",
          responses: { "204": { description: "The artifact is deleted" } },
        },
        handle: deleteArtifact,
      },
    },
  },
  {
    path: "/api/v1/artifacts/:filename/content",
    audience: "api",
    parameters: [nameParameter],
    methods: {
      GET: {
        operation: {
          id: "getArtifactContent",
          summary: "Download an artifact",
          responses: { "200": bytesAnswer("The artifact's content") },
        },
        handle: getContent,
      },
    },
  },
];
