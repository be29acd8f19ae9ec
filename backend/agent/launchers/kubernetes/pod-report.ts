import { z } from "zod";
import type { LauncherCondition } from "../../../../shared/protocol/agent.ts";
import type { RunnerEnd } from "../launcher.ts";
import { generationLabel, jobIdLabel } from "./names.ts";

/** Describes a pod's state for users, from what the API server returns. Pure. */

const StateSchema = z.object({
  waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
  running: z.looseObject({}).optional(),
  terminated: z
    .object({
      exitCode: z.int(),
      signal: z.int().optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
    })
    .optional(),
});

const ConditionSchema = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTransitionTime: z.union([z.string(), z.date()]).nullish(),
});

const ContainerSchema = z.object({
  image: z.string().optional(),
  resources: z.object({ limits: z.record(z.string(), z.string()).optional() }).optional(),
});

/** The fields of a pod that are used here. */
export const PodSchema = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    finalizers: z.array(z.string()).default([]),
    creationTimestamp: z.union([z.string(), z.date()]).optional(),
    deletionTimestamp: z.union([z.string(), z.date()]).optional(),
    deletionGracePeriodSeconds: z.int().default(0),
  }),
  spec: z.object({ nodeName: z.string().optional(), containers: z.array(ContainerSchema) }),
  status: z
    .object({
      phase: z.string().optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      conditions: z.array(ConditionSchema).default([]),
      containerStatuses: z.array(z.object({ state: StateSchema.optional() })).default([]),
    })
    .default({ conditions: [], containerStatuses: [] }),
});
export type Pod = z.infer<typeof PodSchema>;

export const jobIdOf = (pod: Pod): string | undefined => pod.metadata.labels[jobIdLabel];
export const generationOf = (pod: Pod): number => Number(pod.metadata.labels[generationLabel] ?? 1);

const stateOf = (pod: Pod) => pod.status.containerStatuses[0]?.state;
const conditionOf = (pod: Pod, type: string) =>
  pod.status.conditions.find((condition) => condition.type === type && condition.status === "True");

/** The phases of a pod that has ended. */
const endedPhases: ReadonlySet<string> = new Set(["Succeeded", "Failed"]);

export const isEnded = (pod: Pod): boolean => endedPhases.has(pod.status.phase ?? "");
export const isReady = (pod: Pod): boolean => conditionOf(pod, "Ready") !== undefined;

/** With this finalizer, a Job keeps a pod until it has counted the pod's end. */
const trackingFinalizer = "batch.kubernetes.io/job-tracking";

/** Whether the pod's end counts as a failure of its Job. A surplus pod that the Job itself deletes loses the finalizer first. */
export const isCounted = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined ||
  pod.metadata.finalizers.includes(trackingFinalizer) ||
  conditionOf(pod, "DisruptionTarget") !== undefined;

export const isRunning = (pod: Pod): boolean => stateOf(pod)?.running !== undefined;

const sentence = (text: string | undefined): string => (text === undefined || text === "" ? "" : `: ${text.trim()}`);

/** The reasons of the kubelet, and of older control planes, for ending a pod that are not the pod's fault. */
const disruptions: ReadonlySet<string> = new Set(["NodeLost", "NodeShutdown", "Preempting", "Shutdown", "Terminated"]);

/**
 * Describes how a pod ended. The pod must be `isEnded`, or gone.
 *
 * The task is to blame if the pod exceeds its memory or disk limit. The cluster is to blame for a drained or preempted pod and
 * for a lost node. If a node lacks memory or disk and evicts the pod, either can be to blame.
 */
export const endOf = (pod: Pod): RunnerEnd => {
  const { name } = pod.metadata;
  const { reason, message } = pod.status;
  const terminated = stateOf(pod)?.terminated;
  const disruption = conditionOf(pod, "DisruptionTarget");
  if (terminated?.reason === "OOMKilled") {
    const limit = pod.spec.containers[0]?.resources?.limits?.["memory"];
    const text = `The pod ${name} used more memory than its limit, ${limit ?? "that of its node"} (OOMKilled); resources.memory sets it.`;
    return { reason: text, failure: { code: "OOMKilled", message: text } };
  }
  if (reason === "Evicted") {
    const text = `The pod ${name} was evicted${sentence(message)}`;
    // "Pod ephemeral local storage usage exceeds …", "Usage of EmptyDir volume … exceeds the limit …" (kubelet, eviction manager)
    return /exceeds the (total )?limit/.test(message ?? "")
      ? { reason: text, failure: { code: "Evicted", message: `${text} resources.ephemeral-storage sets the limit.` } }
      : { reason: text };
  }
  if (disruption !== undefined) {
    const node =
      disruption.reason === "DeletionByTaintManager" ? `, whose node ${pod.spec.nodeName ?? ""} was lost,` : "";
    return {
      reason: `The pod ${name}${node} was ended by the cluster (${disruption.reason}${sentence(disruption.message)})`,
      disrupted: true,
    };
  }
  if (reason !== undefined && reason !== "") {
    return {
      reason: `The pod ${name} was ended by the cluster (${reason}${sentence(message)})`,
      disrupted: disruptions.has(reason),
    };
  }
  if (terminated === undefined) return { reason: `The pod ${name} was deleted` };
  const how = terminated.signal === undefined ? `exit code ${terminated.exitCode}` : `signal ${terminated.signal}`;
  return { reason: `The pod ${name} ended with ${how}${sentence(terminated.message)}` };
};

/** The transient reasons for which a container waits. */
const passing: ReadonlySet<string> = new Set(["ContainerCreating", "PodInitializing"]);

/** Whether the pod has a node and its containers are being created. */
export const isBeingCreated = (pod: Pod): boolean => passing.has(stateOf(pod)?.waiting?.reason ?? "");

/** Maps the reason for which a container waits to a condition type. */
const typeOf = (reason: string, message = ""): string => {
  // The two reasons alternate, and are the same problem.
  if (reason === "ErrImagePull") return "ImagePullBackOff";
  // `secret "…" not found`, `couldn't find key … in Secret …` (kubelet, makeEnvironmentVariables)
  return reason === "CreateContainerConfigError" && /\bsecret\b/i.test(message) ? "SecretMissing" : reason;
};

/** Returns what keeps a pod from running; undefined if nothing does. */
export const blockOf = (pod: Pod): LauncherCondition | undefined => {
  if (isEnded(pod) || pod.metadata.deletionTimestamp !== undefined) return undefined;
  const unscheduled = pod.status.conditions.find(({ type, status }) => type === "PodScheduled" && status === "False");
  if (unscheduled !== undefined) {
    return {
      type: unscheduled.reason ?? "Unschedulable",
      message: `The pod ${pod.metadata.name} finds no node${sentence(unscheduled.message)}`,
    };
  }
  const waiting = stateOf(pod)?.waiting;
  if (waiting?.reason === undefined || passing.has(waiting.reason)) return undefined;
  const type = typeOf(waiting.reason, waiting.message);
  const image = /image/i.test(type) ? ` of the image ${pod.spec.containers[0]?.image ?? ""}` : "";
  return { type, message: `The pod ${pod.metadata.name}${image} cannot start${sentence(waiting.message)}` };
};
