import { z } from "zod";
import type { LauncherCondition } from "../../../../shared/protocol/agent.ts";
import { generationLabel, jobIdLabel } from "./names.ts";
import {
  generationOf as generationOfPod,
  blockOf,
  endOf,
  isBeingCreated,
  isEnded,
  isRunning,
  type Pod,
} from "./pod-report.ts";

/** Derives a job's state from its Kubernetes Job, its pods and the events. Pure. */

export const JobSchema = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.union([z.string(), z.date()]).optional(),
  }),
  spec: z.object({ parallelism: z.int().optional(), suspend: z.boolean().nullish() }),
  status: z
    .object({
      active: z.int().optional(),
      failed: z.int().optional(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    })
    .default({ conditions: [] }),
});
export type KubernetesJob = z.infer<typeof JobSchema>;

export const EventSchema = z.object({
  metadata: z.object({ name: z.string() }),
  involvedObject: z.object({ kind: z.string().optional(), name: z.string().optional() }),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTimestamp: z.union([z.string(), z.date()]).nullish(),
  eventTime: z.union([z.string(), z.date(), z.looseObject({})]).nullish(),
});
export type KubernetesEvent = z.infer<typeof EventSchema>;

export const jobIdOf = (job: KubernetesJob): string | undefined => job.metadata.labels[jobIdLabel];
export const generationOf = (job: KubernetesJob): number => Number(job.metadata.labels[generationLabel] ?? 1);

/** The conditions of a Job that starts no more pods. The first and the last of them appear while its pods are still ending. */
const finished: ReadonlySet<string> = new Set(["FailureTarget", "Complete", "Failed", "SuccessCriteriaMet"]);

export const isFinished = ({ status }: KubernetesJob): boolean =>
  status.conditions.some((condition) => condition.status === "True" && finished.has(condition.type));

/** Returns the event's time in milliseconds since 1970; 0 if it has none. */
export const timeOf = ({ lastTimestamp, eventTime }: KubernetesEvent): number => {
  const time = lastTimestamp ?? (typeof eventTime === "string" || eventTime instanceof Date ? eventTime : undefined);
  return time === undefined ? 0 : new Date(time).getTime();
};

/** Classifies the API server's refusal to create something, by its message. */
export const refusalType = (message: string): string => {
  if (message.includes("exceeded quota")) return "QuotaExceeded";
  if (/violates PodSecurity|admission webhook|denied the request/.test(message)) return "AdmissionRefused";
  return "PodsCannotBeCreated";
};

/** Returns why the Job's controller cannot create pods: its last warning, unless it has created a pod since. */
const creationBlock = (
  job: KubernetesJob,
  pods: readonly Pod[],
  warnings: readonly KubernetesEvent[],
): LauncherCondition | undefined => {
  const own = pods.filter((pod) => generationOfPod(pod) === generationOf(job));
  if (own.filter((pod) => !isEnded(pod)).length >= (job.spec.parallelism ?? 1)) return undefined;
  const last = newest(warnings, "FailedCreate", "Job", job.metadata.name);
  if (last?.message === undefined) return undefined;
  if (pods.some(({ metadata }) => new Date(metadata.creationTimestamp ?? 0).getTime() > timeOf(last))) return undefined;
  return { type: refusalType(last.message), message: last.message };
};

/** Returns why a pod's volume cannot be mounted, for example because a Secret does not exist. */
const mountBlock = (pod: Pod, warnings: readonly KubernetesEvent[]): LauncherCondition | undefined => {
  if (isEnded(pod) || !isBeingCreated(pod)) return undefined;
  const last = newest(warnings, "FailedMount", "Pod", pod.metadata.name);
  if (last?.message === undefined) return undefined;
  const type = /secrets? .* not found/i.test(last.message) ? "SecretMissing" : "FailedMount";
  return { type, message: `The pod ${pod.metadata.name} cannot start: ${last.message}` };
};

const newest = (
  events: readonly KubernetesEvent[],
  reason: string,
  kind: string,
  name: string,
): KubernetesEvent | undefined =>
  events
    .filter((event) => event.reason === reason)
    .filter(({ involvedObject }) => involvedObject.kind === kind && involvedObject.name === name)
    .toSorted((a, b) => timeOf(b) - timeOf(a))[0];

/**
 * Returns the conditions of a job whose current generation is `job`.
 * @param pods all pods of the job
 * @param warnings events of the jobs' namespace
 * @param startsFail whether pods end as soon as they have started
 */
export const conditionsOf = (
  job: KubernetesJob,
  pods: readonly Pod[],
  warnings: readonly KubernetesEvent[],
  startsFail: boolean,
): LauncherCondition[] => {
  const conditions = new Map<string, string>();
  const add = (condition: LauncherCondition | undefined): void => {
    if (condition !== undefined && !conditions.has(condition.type)) conditions.set(condition.type, condition.message);
  };
  if (job.spec.suspend === true) {
    add({ type: "Suspended", message: "The job waits to be admitted by its queue, or was suspended." });
  }
  for (const pod of pods) add(blockOf(pod) ?? mountBlock(pod, warnings));
  add(creationBlock(job, pods, warnings));
  // If no pod is running, a failed one explains why.
  const failed = pods.findLast((pod) => isEnded(pod) && pod.status.phase === "Failed");
  if (startsFail && failed !== undefined && !pods.some(isRunning)) {
    add({ type: "RunnersCannotStart", message: `The job has no runner; ${endOf(failed).reason}` });
  }
  return [...conditions].map(([type, message]) => ({ type, message }));
};
