import { announceRunners } from "./announce-runners.ts";
import { closeAttempt, endOfFenced, isCurrent } from "./attempts.ts";
import type { Transition } from "./effects.ts";
import { reschedule } from "./reschedule.ts";
import type { AttemptRow, JobRow, TaskRow } from "./rows.ts";
import { taskIdOf } from "./stages.ts";

/**
 * An attempt is over because a store throttles requests. The task is tried again after a pause, however often that happens:
 * neither the task nor its runner is to blame.
 */
export const postpone = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  reason: string,
  pauseMs: number,
  now: number,
): Transition => {
  // It may have begun an upload that it could not report.
  const touched = { ...job, touched: true };
  if (!isCurrent(attempt, task)) {
    return announceRunners(closeAttempt(touched, task, attempt, endOfFenced(job, task, now)));
  }
  const error = { code: "Throttled", message: reason };
  const closed = closeAttempt(touched, task, attempt, { at: now, outcome: "lost", error, counters: null });
  const taskId = taskIdOf(job.id, task.kind, task.index);
  const waiting: TaskRow = { ...closed.task, error: { ...error, taskId } };
  return announceRunners({
    attempt: closed.attempt,
    ...reschedule(closed.job, waiting, now + pauseMs),
    effects: [],
  });
};
