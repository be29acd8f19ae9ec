import type { Job, JobCondition, JobStatus } from "./job-schemas.ts";
import { timestamp } from "./time.ts";

export type Why = { readonly reason: string; readonly message: string };

export const conditionOf = ({ conditions }: JobStatus, type: string): JobCondition | undefined =>
  conditions?.find((condition) => condition.type === type && condition.status === "True");

/** Whether the Job is complete or failed, so that nothing more is done for it. */
export const isFinished = ({ status }: Job): boolean =>
  conditionOf(status, "Complete") !== undefined || conditionOf(status, "Failed") !== undefined;

export const setCondition = (status: JobStatus, type: string, value: "True" | "False", why: Why): void => {
  const before = status.conditions?.find((condition) => condition.type === type);
  if (before?.status === value) return;
  const now = timestamp();
  const condition = { type, status: value, lastProbeTime: now, lastTransitionTime: now, ...why };
  status.conditions = [...(status.conditions ?? []).filter((one) => one.type !== type), condition];
};

/** When a Job finished, in ms; undefined if it has not. */
export const finishedAt = ({ status }: Job): number | undefined => {
  const { lastTransitionTime } = conditionOf(status, "Complete") ?? conditionOf(status, "Failed") ?? {};
  return lastTransitionTime === undefined ? undefined : Date.parse(lastTransitionTime);
};
