import type { JobRow } from "../../shared/engine/machine.ts";
import type { Condition } from "../../shared/api/jobs.ts";
import { isEnded } from "../../shared/status.ts";
import type { JobSpec } from "./spec.ts";

/**
 * When a job must have ended, and when a runner must have begun it: in ms since 1970, `Infinity` where there is no limit. Counted from
 * when it was posted or last resumed.
 */
type TimeLimits = { readonly deadline: number; readonly startBy: number };

export const timeLimits = ({ createdAt, resumedAt = createdAt, request }: JobSpec): TimeLimits => ({
  deadline: resumedAt + (request.deadlineSeconds ?? Infinity) * 1000,
  startBy: resumedAt + (request.startTimeoutSeconds ?? Infinity) * 1000,
});

/** The next of these limits that the job can still break. */
export const nextTimeLimit = (spec: JobSpec, { status }: JobRow): number => {
  if (isEnded(status) || status === "committing") return Infinity;
  const { deadline, startBy } = timeLimits(spec);
  return status === "pending" ? Math.min(deadline, startBy) : deadline;
};

/** Why a job fails that has broken a limit. */
export const describeLimit = {
  deadline: ({ request }: JobSpec) => ({
    code: "DeadlineExceeded",
    message: `The job has not ended within deadlineSeconds, ${request.deadlineSeconds} s.`,
  }),
  /** With what is known of the reason. */
  start: ({ request, cluster }: JobSpec, known: Condition | undefined) => {
    const late = `No runner has begun the job within startTimeoutSeconds, ${request.startTimeoutSeconds} s`;
    return known === undefined
      ? { code: "StartTimeout", message: `${late}; the cluster '${cluster}' has given no reason.` }
      : { code: known.type, message: `${late}: ${known.message}` };
  },
};
