import { isEnded } from "../status.ts";
import { announceRunners } from "./announce-runners.ts";
import type { Transition } from "./effects.ts";
import { endJob, releaseUncleaned } from "./end.ts";
import type { JobRow } from "./rows.ts";

/** Why a job fails without one of its tasks being the reason. */
type JobFailure = { readonly code: string; readonly message: string };

/**
 * Fails a job whose time is up.
 * @returns undefined when the job has ended or is committing: it is as good as done then
 */
export const failJob = (job: JobRow, failure: JobFailure, now: number): Transition | undefined =>
  job.status === "committing" ? undefined : refuseJob(job, failure, now);

/**
 * Fails a job that its cluster cannot run, or has ended for good. Also while it commits: nobody would go on with it.
 * @returns undefined when the job has ended
 */
export const refuseJob = (job: JobRow, { code, message }: JobFailure, now: number): Transition | undefined => {
  if (isEnded(job.status)) return undefined;
  return announceRunners(endJob(job, "failed", { code, message, taskId: null }, now, `the job has failed: ${code}`));
};

/**
 * Fails the job in any state and releases it uncleaned: without its credentials nobody can do anything for it.
 * @returns undefined when it is released already
 */
export const loseCredentials = (job: JobRow, { code, message }: JobFailure, now: number): Transition | undefined => {
  if (job.released) return undefined;
  const failed = isEnded(job.status)
    ? { job, effects: [] }
    : endJob(job, "failed", { code, message, taskId: null }, now, `the job has failed: ${code}`);
  if (failed.job.released) return announceRunners(failed);
  const released = releaseUncleaned(failed.job);
  return announceRunners({ job: released.job, effects: [...failed.effects, ...released.effects] });
};
