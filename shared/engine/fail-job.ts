import { isEnded } from "../status.ts";
import { announceRunners } from "./announce-runners.ts";
import type { Transition } from "./effects.ts";
import { endJob, releaseUncleaned } from "./end.ts";
import type { JobRow } from "./rows.ts";

/** Why a job fails without one of its tasks being the reason. */
type JobFailure = { readonly code: string; readonly message: string };

/**
 * Fails the job for a reason outside its tasks: its time is up, or its cluster cannot run it.
 * @returns undefined when the job has ended or is committing
 */
export const failJob = (job: JobRow, { code, message }: JobFailure, now: number): Transition | undefined => {
  if (isEnded(job.status) || job.status === "committing") return undefined;
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
