import type { Job, Task } from "../sdk/index.ts";

/** Names that are short enough to be read and typed. */

/** Characters of a job's id at its end: they differ, while the beginning is the time. */
const shortLength = 8;

export const shortId = (id: string): string => id.slice(-shortLength);

/** A task's id without its job's: `m-3`. */
export const shortTask = (jobId: string, taskId: string): string =>
  taskId.startsWith(`${jobId}-`) ? taskId.slice(jobId.length + 1) : taskId;

/** The programs of a job: `map.py → reduce.py`. Empty where they are not known any more. */
export const programsOf = ({ programs }: Pick<Job, "programs">): string =>
  [programs?.mapper, programs?.reducer].flatMap((program) => program?.name ?? []).join(" → ");

/** What people call a job: its name, or else its programs. */
export const nameOf = (job: Job): string => job.name ?? programsOf(job);

/** How long something has run that may go on. */
export const elapsed = ({ startTime, endTime }: Pick<Job | Task, "startTime" | "endTime">, now = Date.now()): number =>
  (endTime ?? now) - startTime;
