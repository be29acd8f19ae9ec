import { ProgramRoleSchema } from "../../shared/protocol/tasks.ts";
import { contentResponse } from "../artifacts/content-response.ts";
import { clusterOf, jobOf } from "../env.ts";
import { ProblemError } from "../http/problems.ts";
import { param, type Call, type Resource } from "../http/resource.ts";

const requireUpgrade = ({ request }: Call): void => {
  if (request.headers.get("Upgrade")?.toLowerCase() === "websocket") return;
  throw new ProblemError("upgrade-required", "Open this path as a WebSocket.", {
    headers: { Upgrade: "websocket", Connection: "Upgrade" },
  });
};

const program = async (call: Call): Promise<Response> => {
  const role = ProgramRoleSchema.safeParse(param(call, "role"));
  const pinned = role.success ? await jobOf(call.env, param(call, "id")).program(role.data) : null;
  const response = pinned === null ? null : await contentResponse(call.env.ARTIFACTS, pinned);
  if (response === null) throw new ProblemError("unknown-program", `The job has no '${param(call, "role")}'.`);
  return response;
};

/**
 * What agents and runners call. A runner's token proves that there was its job, so that the Registry need not be asked; the job's
 * object refuses whoever comes after its end.
 */
export const linkResources: readonly Resource[] = [
  {
    path: "/api/v1/jobs/:id/link",
    audience: "runner",
    methods: {
      GET: async (call) => {
        requireUpgrade(call);
        const id = param(call, "id");
        const response = await jobOf(call.env, id).fetch(call.request);
        if (response.status === 404) throw new ProblemError("unknown-job", `Job ${id} was removed.`);
        return response;
      },
    },
  },
  { path: "/api/v1/jobs/:id/programs/:role", audience: "runner", methods: { GET: program } },
  {
    path: "/api/v1/agents/:cluster/link",
    audience: "agent",
    methods: {
      GET: async (call) => {
        requireUpgrade(call);
        return await clusterOf(call.env, param(call, "cluster")).fetch(call.request);
      },
    },
  },
];
