import type { LauncherCondition } from "../../../../shared/protocol/agent.ts";
import { timeOf, type KubernetesEvent } from "./job-report.ts";
import { isEnded, type Pod } from "./pod-report.ts";

/**
 * Finds the pods on unresponsive nodes, from the pods and their events, because the agent may not read nodes. Pure.
 *
 * About 40 s after a node's last sign of life, Kubernetes' node controller marks its ready pods as not ready, with an event.
 * After another 30 s, which the pods tolerate, it deletes them, which has no effect until the node answers again.
 */
export const silentPods = (pods: readonly Pod[], warnings: readonly KubernetesEvent[]): Pod[] =>
  pods.filter((pod) => !isEnded(pod) && (isGivenUp(pod) || isUnheard(pod, warnings)));

const isGivenUp = ({ status }: Pod): boolean =>
  status.conditions.some(
    ({ type, status: value, reason }) =>
      type === "DisruptionTarget" && value === "True" && reason === "DeletionByTaintManager",
  );

/** The resolution of timestamps in the API server's events and conditions is one second. */
const resolutionMs = 1_000;

/** Whether the latest news about the pod's readiness is that its node is not ready. */
const isUnheard = ({ metadata: { name }, status }: Pod, warnings: readonly KubernetesEvent[]): boolean => {
  const ready = status.conditions.find(({ type }) => type === "Ready");
  if (ready?.status !== "False") return false;
  const since = new Date(ready.lastTransitionTime ?? 0).getTime();
  return warnings.some(
    (event) =>
      event.reason === "NodeNotReady" &&
      event.involvedObject.kind === "Pod" &&
      event.involvedObject.name === name &&
      timeOf(event) + resolutionMs >= since,
  );
};

/** The maximum number of names in a message. */
const mostNames = 10;

const namesOf = (all: readonly string[]): string =>
  all.slice(0, mostNames).join(", ") + (all.length > mostNames ? " and others" : "");

/** Returns a condition for pods on unresponsive nodes; undefined if there are none. @param silent the result of `silentPods` */
export const silenceOf = (silent: readonly Pod[]): LauncherCondition | undefined => {
  if (silent.length === 0) return undefined;
  const nodes = [...new Set(silent.map(({ spec }) => spec.nodeName ?? ""))];
  const pods = silent.map(({ metadata }) => metadata.name);
  return {
    type: "NodeNotReady",
    message:
      `The node ${namesOf(nodes)} does not answer. Its pods are lost unless it does again: ${namesOf(pods)}. Their tasks go to ` +
      "other runners when their leases are over, and other pods take their place.",
  };
};
