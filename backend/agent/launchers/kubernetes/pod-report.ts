import { z } from "zod";
import type { LauncherCondition } from "../../../../shared/protocol/agent.ts";
import type { RunnerEnd } from "../launcher.ts";
import { generationLabel, jobIdLabel } from "./names.ts";

/** What a pod says of itself, in the words that a user needs. Pure, from what the API server tells. */

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

/** Of a pod, what is looked at. */
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

/** Phases in which a pod can do no more. */
const endedPhases: ReadonlySet<string> = new Set(["Succeeded", "Failed"]);

export const isEnded = (pod: Pod): boolean => endedPhases.has(pod.status.phase ?? "");
export const isReady = (pod: Pod): boolean => conditionOf(pod, "Ready") !== undefined;

/** With it a Job keeps a pod until it has counted its end. */
const trackingFinalizer = "batch.kubernetes.io/job-tracking";

/** Whether its end counts as a failure of its Job. A pod that the Job itself ends, as there are too many, is let go before. */
export const isCounted = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined ||
  pod.metadata.finalizers.includes(trackingFinalizer) ||
  conditionOf(pod, "DisruptionTarget") !== undefined;

export const isRunning = (pod: Pod): boolean => stateOf(pod)?.running !== undefined;

const sentence = (text: string | undefined): string => (text === undefined || text === "" ? "" : `: ${text.trim()}`);

/** Reasons of the node's kubelet, and of older control planes, for ending a pod that the pod has no part in. */
const disruptions: ReadonlySet<string> = new Set(["NodeLost", "NodeShutdown", "Preempting", "Shutdown", "Terminated"]);

/**
 * How a pod ended that is `isEnded`, or gone.
 *
 * The task is to blame for more memory than the pod may have, and for more disk. The cluster is for a drained or preempted pod
 * and for a lost node. Where a node lacks room and evicts the pod, either can be.
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

/** Reasons for which a container waits that pass by themselves. */
const passing: ReadonlySet<string> = new Set(["ContainerCreating", "PodInitializing"]);

/** Whether it has a node, and waits for what it is made of. */
export const isBeingCreated = (pod: Pod): boolean => passing.has(stateOf(pod)?.waiting?.reason ?? "");

/** A condition's type, for why a container waits. */
const typeOf = (reason: string, message = ""): string => {
  // The two take turns, and are one trouble.
  if (reason === "ErrImagePull") return "ImagePullBackOff";
  // `secret "…" not found`, `couldn't find key … in Secret …` (kubelet, makeEnvironmentVariables)
  return reason === "CreateContainerConfigError" && /\bsecret\b/i.test(message) ? "SecretMissing" : reason;
};

/** What keeps a pod from running, undefined where nothing does. */
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
