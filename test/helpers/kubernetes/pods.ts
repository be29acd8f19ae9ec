import type { Pod, PodCondition } from "./object-schemas.ts";
import { timestamp } from "./time.ts";

export const hasSucceeded = ({ status: { phase } }: Pod): boolean => phase === "Succeeded";
export const hasFailed = ({ status: { phase } }: Pod): boolean => phase === "Failed";
export const hasEnded = (pod: Pod): boolean => hasSucceeded(pod) || hasFailed(pod);
export const isBeingDeleted = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;

const conditionOf = ({ status }: Pod, type: string): PodCondition | undefined =>
  status.conditions?.find((condition) => condition.type === type);

export const isReady = (pod: Pod): boolean => conditionOf(pod, "Ready")?.status === "True";

/** Sets a condition; its transition time changes only if its status does. */
export const setCondition = (
  pod: Pod,
  type: string,
  status: boolean,
  why: { reason?: string; message?: string } = {},
): void => {
  const before = conditionOf(pod, type);
  const text = status ? "True" : "False";
  const condition: PodCondition = {
    type,
    status: text,
    lastProbeTime: null,
    lastTransitionTime: before?.status === text ? (before.lastTransitionTime ?? timestamp()) : timestamp(),
    ...why,
  };
  const others = (pod.status.conditions ?? []).filter((one) => one.type !== type);
  pod.status.conditions = [...others, condition];
};

/** Names a pod in messages. */
export const podName = ({ metadata }: Pod): string => `${metadata.namespace ?? ""}/${metadata.name}`;
