import type { LauncherCondition } from "../../../../shared/protocol/agent.ts";
import { timeOf, type KubernetesEvent } from "./job-report.ts";
import { isEnded, type Pod } from "./pod-report.ts";

/**
 * Which pods are on nodes that do not answer, as far as the pods and their events say: the agent may read no nodes. Pure.
 *
 * Some 40 s after a node was last heard of, Kubernetes' node controller says of the pods that were ready that they are not, with
 * an event. After another 30 s, which the pods tolerate, it deletes them, in vain as long as the node is silent.
 */
export const silentPods = (pods: readonly Pod[], warnings: readonly KubernetesEvent[]): Pod[] =>
  pods.filter((pod) => !isEnded(pod) && (isGivenUp(pod) || isUnheard(pod, warnings)));

const isGivenUp = ({ status }: Pod): boolean =>
  status.conditions.some(
    ({ type, status: value, reason }) =>
      type === "DisruptionTarget" && value === "True" && reason === "DeletionByTaintManager",
  );

/** Times of the API server's events and conditions have a resolution of a second. */
const resolutionMs = 1_000;

/** Whether the last that was said of its readiness is that its node is not ready. */
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

/** Names that a message has at most. */
const mostNames = 10;

const namesOf = (all: readonly string[]): string =>
  all.slice(0, mostNames).join(", ") + (all.length > mostNames ? " and others" : "");

/** @param silent what `silentPods` has found */
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
