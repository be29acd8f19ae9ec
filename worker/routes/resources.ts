import type { Resource, ResourceGroup } from "../http/resource.ts";
import { againResources } from "./again.ts";
import { artifactResources } from "./artifacts.ts";
import { clusterResources } from "./clusters.ts";
import { eventResources } from "./events.ts";
import { jobResources } from "./jobs.ts";
import { logResources, runnerLogResources } from "./logs.ts";
import { notificationGroup } from "./notification.ts";
import { meResources } from "./me.ts";
import { taskResources } from "./tasks.ts";
import { linkResources } from "./links.ts";
import { rootGroup } from "./root.ts";
import { tokenResources } from "./tokens.ts";

const groups: readonly ResourceGroup[] = [
  { tag: "artifacts", description: "Programs that jobs are started with", resources: artifactResources },
  {
    tag: "jobs",
    description: "MapReduce runs: their start, state, end and output",
    resources: [...jobResources, ...againResources, ...eventResources],
  },
  { tag: "tasks", description: "The maps and reduces of a job, and their attempts", resources: taskResources },
  { tag: "logs", description: "What programs have written to standard error", resources: logResources },
  { tag: "clusters", description: "Where jobs can run", resources: clusterResources },
  { tag: "tokens", description: "Tokens of the API that admins issue", resources: [...tokenResources, ...meResources] },
  notificationGroup,
  {
    tag: "internal",
    description: "For Edgefold's own agents and runners; changes with any release",
    resources: [...linkResources, ...runnerLogResources],
  },
];

/** Everything that the Worker serves, as the OpenAPI document lists it. */
export const resourceGroups: readonly ResourceGroup[] = [rootGroup(groups), ...groups];

export const resources: readonly Resource[] = resourceGroups.flatMap((group) => group.resources);
