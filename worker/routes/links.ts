import { programRoles, ProgramRoleSchema } from "../../shared/protocol/tasks.ts";
import { contentResponse } from "../artifacts/content-response.ts";
import { clusterOf, jobOf, registryOf, type Env } from "../env.ts";
import { regionOf, type Region } from "../location.ts";
import { bytesAnswer, pathParameter } from "../http/operation.ts";
import { ProblemError } from "../http/problems.ts";
import { param, type Call, type Resource } from "../http/resource.ts";

const requireUpgrade = ({ request }: Call): void => {
  if (request.headers.get("Upgrade")?.toLowerCase() === "websocket") return;
  throw new ProblemError("upgrade-required", "This path serves WebSockets only. Send an upgrade request.", {
    headers: { Upgrade: "websocket", Connection: "Upgrade" },
  });
};

const getProgram = async (call: Call): Promise<Response> => {
  const role = ProgramRoleSchema.safeParse(param(call, "role"));
  const pinned = role.success ? await jobOf(call.env, param(call, "id")).program(role.data) : null;
  const response = pinned === null ? null : await contentResponse(call.env.ARTIFACTS, pinned);
  if (response === null)
    throw new ProblemError("unknown-program", `The job has no program for the role '${param(call, "role")}'.`);
  return response;
};

const getContent = async (call: Call): Promise<Response> => {
  const hash = param(call, "hash");
  const pinned = await jobOf(call.env, param(call, "id")).content(hash);
  const response = pinned === null ? null : await contentResponse(call.env.ARTIFACTS, pinned);
  if (response === null) throw new ProblemError("unknown-program", `The job has no content with the hash '${hash}'.`);
  return response;
};

const linkRunner = async (call: Call): Promise<Response> => {
  requireUpgrade(call);
  const id = param(call, "id");
  const response = await jobOf(call.env, id).fetch(call.request);
  if (response.status === 404) throw new ProblemError("unknown-job", `Job ${id} was removed.`);
  return response;
};

/** Has the Registry know where a cluster is. That serves speed alone, so the agent is linked whether it succeeds or not. */
const noteRegion = async (env: Env, cluster: string, region: Region): Promise<void> => {
  try {
    await registryOf(env).noteRegion(cluster, region);
  } catch (error) {
    console.warn(
      `the region of the cluster '${cluster}' could not be noted; its agent's next connection tells it`,
      error,
    );
  }
};

const linkAgent = async (call: Call): Promise<Response> => {
  requireUpgrade(call);
  const cluster = param(call, "cluster");
  const region = regionOf(call.request.cf);
  if (region !== null) call.ctx.waitUntil(noteRegion(call.env, cluster, region));
  return await clusterOf(call.env, cluster, region).fetch(call.request);
};

const upgradeAnswer = { "101": { description: "The WebSocket is open" } };

/**
 * What agents and runners call. A runner's token proves that there was its job, so that the Registry need not be asked; the job's
 * object refuses whoever comes after its end.
 */
export const linkResources: readonly Resource[] = [
  {
    path: "/api/v1/jobs/:id/link",
    audience: "runner",
    parameters: [pathParameter("id", "The job's id", "unknown-job")],
    methods: {
      GET: {
        operation: { id: "linkRunner", summary: "Connect a runner of the job", responses: upgradeAnswer },
        handle: linkRunner,
      },
    },
  },
  {
    path: "/api/v1/jobs/:id/programs/:role",
    audience: "runner",
    parameters: [
      pathParameter("id", "The job's id"),
      pathParameter("role", "What the job uses the program for", "unknown-program", {
        type: "string",
        enum: programRoles,
      }),
    ],
    methods: {
      GET: {
        operation: {
          id: "getProgram",
          summary: "Download a program as it was when the job was started",
          responses: { "200": bytesAnswer("The program's content") },
        },
        handle: getProgram,
      },
    },
  },
  {
    path: "/api/v1/jobs/:id/contents/:hash",
    audience: "runner",
    parameters: [
      pathParameter("id", "The job's id"),
      pathParameter("hash", "SHA-256 of the content, lower-case hex", "unknown-program"),
    ],
    methods: {
      GET: {
        operation: {
          id: "getJobContent",
          summary: "Download a program, file or archive as it was when the job was started",
          responses: { "200": bytesAnswer("The content") },
        },
        handle: getContent,
      },
    },
  },
  {
    path: "/api/v1/agents/:cluster/link",
    audience: "agent",
    parameters: [pathParameter("cluster", "The cluster's name")],
    methods: {
      GET: {
        operation: { id: "linkAgent", summary: "Connect the cluster's agent", responses: upgradeAnswer },
        handle: linkAgent,
      },
    },
  },
];
