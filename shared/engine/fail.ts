import type { CountersSnapshot } from "../counters.ts";
import type { AttemptError } from "../protocol/tasks.ts";
import { isHopeless, recordAlike } from "./alike.ts";
import { announceRunners } from "./announce-runners.ts";
import { closeAttempt, endOfFenced, isCurrent } from "./attempts.ts";
import type { TaskChange, Transition } from "./effects.ts";
import { giveUp, giveUpUnlessTolerated } from "./give-up.ts";
import { reschedule } from "./reschedule.ts";
import type { AttemptRow, JobRow, TaskRow } from "./rows.ts";
import { taskIdOf } from "./stages.ts";

/** Milliseconds before a task is tried again after its `failures`-th failure: 0.5 s, doubled each time, at most 30 s. */
const backoff = (failures: number): number => Math.min(30_000, 500 * 2 ** (failures - 1));

/** Charges a failure to a task in progress, one of whose attempts has just ended. */
export const chargeFailure = (job: JobRow, task: TaskRow, error: AttemptError, now: number): TaskChange => {
  const taskId = taskIdOf(job.id, task.kind, task.index);
  const charged: TaskRow = {
    ...task,
    failures: task.failures + 1,
    error: { code: error.code, message: error.message, taskId },
  };
  const recorded = recordAlike(job, task, error);
  if (error.final || charged.failures >= job.maxAttempts) {
    return giveUpUnlessTolerated(recorded, charged, error, now);
  }
  if (isHopeless(recorded, charged)) {
    const message = `${recorded.alike?.tasks.length} different tasks failed in the same way, and none succeeded: ${error.message}`;
    return giveUp(recorded, charged, { code: error.code, message }, now);
  }
  return { ...reschedule(recorded, charged, now + backoff(charged.failures)), effects: [] };
};

/** An attempt has failed, and the task is to blame. @param counters what it had counted; null where that is not known */
export const fail = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  error: AttemptError,
  now: number,
  counters: CountersSnapshot | null = null,
): Transition => {
  if (!isCurrent(attempt, task)) {
    return announceRunners(closeAttempt(job, task, attempt, endOfFenced(job, task, now)));
  }
  const { code, message } = error;
  const closed = closeAttempt(job, task, attempt, { at: now, outcome: "failed", error: { code, message }, counters });
  return announceRunners({ attempt: closed.attempt, ...chargeFailure(closed.job, closed.task, error, now) });
};
