import { artifactResources } from "./artifacts.ts";
import { clusterResources } from "./clusters.ts";
import { jobResources } from "./jobs.ts";
import { linkResources } from "./links.ts";
import type { Resource } from "../http/resource.ts";
import { rootResources } from "./root.ts";

/** Everything that the Worker serves. */
export const resources: readonly Resource[] = [
  ...rootResources,
  ...artifactResources,
  ...jobResources,
  ...clusterResources,
  ...linkResources,
];
