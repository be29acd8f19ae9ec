import type { Resource } from "../http/resource.ts";
import { artifactResources } from "./artifacts.ts";
import { clusterResources } from "./clusters.ts";
import { eventResources } from "./events.ts";
import { jobResources } from "./jobs.ts";
import { logResources } from "./logs.ts";
import { taskResources } from "./tasks.ts";
import { linkResources } from "./links.ts";
import { rootResources } from "./root.ts";
import { tokenResources } from "./tokens.ts";

const others = [
  ...artifactResources,
  ...jobResources,
  ...eventResources,
  ...taskResources,
  ...logResources,
  ...clusterResources,
  ...tokenResources,
  ...linkResources,
];

/** Everything that the Worker serves. */
export const resources: readonly Resource[] = [...rootResources(others), ...others];
