import { ArtifactNameSchema, type Artifact } from "../../shared/api/artifacts.ts";
import { ContentUpload } from "../artifacts/content-upload.ts";
import { requireMediaType } from "../http/body.ts";
import { contentResponse } from "../artifacts/content-response.ts";
import { registryOf } from "../env.ts";
import { listResponse } from "../http/lists.ts";
import { artifactOf, type PinnedProgram } from "../job/spec.ts";
import { busy, ProblemError } from "../http/problems.ts";
import { readProgramForm } from "../artifacts/program-form.ts";
import { jsonResponse } from "../http/responses.ts";
import { param, type Call, type Resource } from "../http/resource.ts";

const unknownArtifact = (name: string): ProblemError =>
  new ProblemError("unknown-artifact", `There is no artifact '${name}'.`);

const find = async (call: Call): Promise<PinnedProgram> => {
  const name = param(call, "filename");
  const found = ArtifactNameSchema.safeParse(name).success ? await registryOf(call.env).getArtifact(name) : null;
  if (found === null) throw unknownArtifact(name);
  return found;
};

const store = async ({ request, env }: Call): Promise<Artifact> => {
  if (request.body === null) throw new ProblemError("malformed-form", "There is no form.");
  const upload = new ContentUpload(env);
  try {
    const form = await readProgramForm(request.body, request.headers.get("Content-Type") ?? "", upload);
    const program = { ...form, ...(await upload.finish()) };
    if (!(await registryOf(env).putArtifact(program))) {
      throw busy("The upload took too long; send it again.");
    }
    return artifactOf(program);
  } catch (error) {
    await upload.abandon();
    throw error;
  }
};

const put = async (call: Call): Promise<Response> => {
  requireMediaType(call.request, "multipart/form-data");
  const stored = store(call);
  // So that an upload is tidied up after although its client has gone.
  call.ctx.waitUntil(stored.catch(() => undefined));
  return jsonResponse(JSON.stringify(await stored));
};

const content = async (call: Call): Promise<Response> => {
  const response = await contentResponse(call.env.ARTIFACTS, await find(call));
  // Between the two looks the artifact may have been replaced; the second look finds the new one.
  const again = response ?? (await contentResponse(call.env.ARTIFACTS, await find(call)));
  if (again === null) throw unknownArtifact(param(call, "filename"));
  return again;
};

const remove = async (call: Call): Promise<Response> => {
  const name = param(call, "filename");
  if (!(await registryOf(call.env).deleteArtifact(name))) throw unknownArtifact(name);
  return new Response(null, { status: 204 });
};

export const artifactResources: readonly Resource[] = [
  {
    path: "/api/v1/artifacts",
    audience: "api",
    methods: {
      GET: async ({ url, env }) =>
        await listResponse(url, async (after, limit) => await registryOf(env).listArtifacts(after, limit)),
      PUT: put,
    },
  },
  {
    path: "/api/v1/artifacts/:filename",
    audience: "api",
    methods: {
      GET: async (call) => jsonResponse(JSON.stringify(artifactOf(await find(call)))),
      DELETE: remove,
    },
    // Others may start jobs with it.
    roles: { DELETE: "admin" },
  },
  { path: "/api/v1/artifacts/:filename/content", audience: "api", methods: { GET: content } },
];
