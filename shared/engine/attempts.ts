import { isEnded } from "../status.ts";
import type { TaskChange } from "./effects.ts";
import type { AttemptEnd, AttemptRow, JobRow, TaskRow } from "./rows.ts";

/** Whether the attempt may still change its task. */
export const isCurrent = (attempt: AttemptRow, task: TaskRow): boolean =>
  attempt.status === "live" && task.status === "in-progress";

/** Sets the number of a task's live attempts. */
export const setLive = (job: JobRow, task: TaskRow, live: number): { job: JobRow; task: TaskRow } => {
  const change = (live > 1 ? 1 : 0) - (task.live > 1 ? 1 : 0);
  // Rows of release 0.1.0 do not count them.
  return { job: { ...job, doubled: Math.max(0, job.doubled + change) }, task: { ...task, live } };
};

/** How an attempt ends that is not its task's any more. */
export const endOfFenced = (job: JobRow, task: TaskRow, now: number): AttemptEnd => {
  const outcome = isEnded(job.status) && task.winner === null ? "stopped" : "superseded";
  return { at: now, outcome, error: null, counters: null };
};

/** Ends an open attempt: its runner can no longer act for it. */
export const closeAttempt = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  end: AttemptEnd,
): TaskChange & { readonly attempt: AttemptRow } => {
  const closed: JobRow = { ...job, open: job.open - 1 };
  return {
    ...(attempt.status === "live" ? setLive(closed, task, task.live - 1) : { job: closed, task }),
    attempt: { ...attempt, status: end.outcome === "won" ? "won" : "ended", end },
    // The cleaning waits for the last open attempt.
    effects: isEnded(closed.status) && closed.open === 0 ? [{ kind: "wake", tasks: 1 }] : [],
  };
};
