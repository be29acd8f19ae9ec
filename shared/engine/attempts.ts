import { isEnded } from "../status.ts";
import type { TaskChange } from "./effects.ts";
import type { AttemptRow, JobRow, TaskRow } from "./rows.ts";

/** Whether the attempt may still change its task. */
export const isCurrent = (attempt: AttemptRow, task: TaskRow): boolean =>
  attempt.status === "live" && task.status === "in-progress";

/** Ends an open attempt: its runner can no longer act for it. */
export const closeAttempt = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  status: "won" | "ended",
): TaskChange & { readonly attempt: AttemptRow } => {
  const closed: JobRow = { ...job, open: job.open - 1 };
  return {
    job: closed,
    task: attempt.status === "live" ? { ...task, live: task.live - 1 } : task,
    attempt: { ...attempt, status },
    // The cleaning waits for the last open attempt.
    effects: isEnded(closed.status) && closed.open === 0 ? [{ kind: "wake" }] : [],
  };
};
