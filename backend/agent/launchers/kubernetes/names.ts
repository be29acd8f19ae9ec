import { createHash } from "node:crypto";
import type { PodOptions } from "../../../../shared/pods.ts";

/** How what belongs to a job is named and labelled, so that it can be found again, and nothing else is touched. */

export const jobIdLabel = "edgefold.dev/job-id";
/** A Kubernetes Job that has finished cannot go on: a job that needs runners again gets another one, the next generation. */
export const generationLabel = "edgefold.dev/generation";

/** Of what the pods of a generation are made of (`podsHash`): a job that is resumed with other pods gets its next generation. */
export const podsLabel = "edgefold.dev/pods";

const instanceLabel = "app.kubernetes.io/instance";
const managedByLabel = "app.kubernetes.io/managed-by";
const manager = "edgefold-agent";

/** The labels of everything that the agent of a cluster makes. */
export const ownLabels = (cluster: string): Record<string, string> => ({
  "app.kubernetes.io/name": "edgefold",
  "app.kubernetes.io/component": "runner",
  [instanceLabel]: cluster,
  [managedByLabel]: manager,
});

/** Selects that. */
export const ownSelector = (cluster: string): string => `${managedByLabel}=${manager},${instanceLabel}=${cluster}`;

/** Tells whether two jobs' pods are made alike: 16 hex digits. */
export const podsHash = (pods: PodOptions): string =>
  createHash("sha256").update(JSON.stringify(pods)).digest("hex").slice(0, 16);

/** Of a generation's Job and of its Secret. */
export const generationName = (jobId: string, generation: number): string =>
  generation === 1 ? `edgefold-${jobId}` : `edgefold-${jobId}-g${generation}`;
