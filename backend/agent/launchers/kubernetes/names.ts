import { createHash } from "node:crypto";
import type { PodOptions } from "../../../../shared/pods.ts";

/** The names and labels of a job's objects. They let the agent find its own objects and leave all others alone. */

export const jobIdLabel = "edgefold.dev/job-id";
/** A finished Kubernetes Job cannot be resumed. A job that needs runners again gets another one, the next generation. */
export const generationLabel = "edgefold.dev/generation";

/** The `podsHash` of a generation's pods. A job that is resumed with other pods gets its next generation. */
export const podsLabel = "edgefold.dev/pods";

const instanceLabel = "app.kubernetes.io/instance";
const managedByLabel = "app.kubernetes.io/managed-by";
const manager = "edgefold-agent";

/** The labels of everything that the agent of a cluster creates. */
export const ownLabels = (cluster: string): Record<string, string> => ({
  "app.kubernetes.io/name": "edgefold",
  "app.kubernetes.io/component": "runner",
  [instanceLabel]: cluster,
  [managedByLabel]: manager,
});

/** The label selector for everything that the agent of a cluster creates. */
export const ownSelector = (cluster: string): string => `${managedByLabel}=${manager},${instanceLabel}=${cluster}`;

/** A hash of the pod options: 16 hex digits. Equal hashes mean equal pods. */
export const podsHash = (pods: PodOptions): string =>
  createHash("sha256").update(JSON.stringify(pods)).digest("hex").slice(0, 16);

/** The name of a generation's Job and of its Secret. */
export const generationName = (jobId: string, generation: number): string =>
  generation === 1 ? `edgefold-${jobId}` : `edgefold-${jobId}-g${generation}`;
