import { isEnded } from "../status.ts";
import { releaseEffects, type JobChange, type Transition } from "./effects.ts";
import type { JobRow } from "./rows.ts";

/** Why a job fails without one of its tasks being the reason. */
type JobFailure = { readonly code: string; readonly message: string };

/** Ends the job. It is released at once when nobody can have begun anything that must be cleaned. @param reason why its attempts end */
export const endJob = (
  job: JobRow,
  status: "completed" | "failed" | "stopped",
  error: JobRow["error"],
  now: number,
  reason: string,
): JobChange => {
  // An open attempt can still begin an upload.
  const touched = job.touched || job.open > 0;
  return {
    job: {
      ...job,
      status,
      error,
      endedAt: now,
      maps: { ...job.maps, running: 0 },
      reduces: { ...job.reduces, running: 0 },
      clean: touched ? "waiting" : "unneeded",
      released: !touched,
    },
    effects: [
      { kind: "revoke", task: "all", reason },
      { kind: "stop-tasks" },
      ...(touched ? [{ kind: "create", tasks: "clean", total: 1 } as const] : [{ kind: "erase" } as const]),
      { kind: "runners" },
      { kind: "publish" },
      { kind: "wake" },
    ],
  };
};

/** Releases an ended job: nothing is wanted of its cluster any more. */
export const releaseJob = (job: JobRow, clean: "done" | "abandoned"): JobChange => ({
  job: { ...job, clean, released: true },
  effects: releaseEffects,
});

/** Releases the job uncleaned: its cleaning has taken too long or has failed for good. */
export const abandonClean = (job: JobRow): JobChange => {
  const released = releaseJob(job, "abandoned");
  return {
    job: released.job,
    effects: [{ kind: "revoke", task: "all", reason: "the cleaning was given up" }, ...released.effects],
  };
};

/**
 * Fails the job for a reason outside its tasks: its time is up, or its cluster cannot run it.
 * @returns undefined when the job has ended or is committing
 */
export const failJob = (job: JobRow, { code, message }: JobFailure, now: number): Transition | undefined => {
  if (isEnded(job.status) || job.status === "committing") return undefined;
  return endJob(job, "failed", { code, message, taskId: null }, now, `the job has failed: ${code}`);
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
  if (failed.job.released) return failed;
  const released = abandonClean(failed.job);
  return { job: released.job, effects: [...failed.effects, ...released.effects] };
};

/** The user stops the job. @returns why that is refused, or the transition */
export const stop = (job: JobRow, now: number): Transition | "ended" | "committing" => {
  if (isEnded(job.status)) return "ended";
  if (job.status === "committing") return "committing";
  return endJob(job, "stopped", null, now, "the job was stopped");
};

/** An upload was begun. It must be aborted unless it is committed. */
export const touch = (job: JobRow): Transition => ({ job: { ...job, touched: true }, effects: [] });
