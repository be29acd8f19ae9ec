import { announceRunners } from "./announce-runners.ts";
import { closeAttempt, isCurrent } from "./attempts.ts";
import type { Transition } from "./effects.ts";
import { giveUpUnlessTolerated } from "./give-up.ts";
import { reschedule } from "./reschedule.ts";
import { maxLosses, type AttemptRow, type JobRow, type TaskRow } from "./rows.ts";
import { stages, taskIdOf } from "./stages.ts";

/** The error code of a task whose last attempt was lost, where nothing better is known. */
export const attemptLost = "AttemptLost";

/**
 * How long a task waits for the reason its runner was ended, in ms: a pod has 20 s to end, and the agent sees its end some
 * seconds later. Until then the task is not run again, as it may turn out to have failed for good.
 */
const explanationMs = 30_000;

/**
 * What is known of a loss. `known`: everything. `silent`: the runner is gone, and its agent may explain it later. `ending`: the
 * runner was told to end, and its agent will explain it soon.
 */
export type Loss = "known" | "silent" | "ending";

/** An attempt is over without a result, and the task is not to blame: its runner is gone, its lease ran out, or it was given back. */
export const lose = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  reason: string,
  now: number,
  loss: Loss = "known",
): Transition => {
  // It may have begun an upload that it could not report.
  const closed = closeAttempt({ ...job, touched: true }, task, attempt, "ended");
  if (!isCurrent(attempt, task)) return announceRunners(closed);
  const charged: TaskRow = {
    ...closed.task,
    // A lost input is charged to the task that makes it: otherwise each of its readers would be charged for every input.
    losses: task.losses + (stages[task.kind].lacksInput(job) ? 0 : 1),
    error: { code: attemptLost, message: reason, taskId: taskIdOf(job.id, task.kind, task.index) },
    lost: loss === "known" ? null : attempt.id,
  };
  if (charged.losses >= maxLosses) {
    const error = { code: "AttemptsLost", message: `lost ${charged.losses} times, last because ${reason}` };
    return announceRunners({
      attempt: closed.attempt,
      ...giveUpUnlessTolerated(closed.job, charged, error, now),
    });
  }
  const rescheduled = reschedule(closed.job, charged, loss === "ending" ? now + explanationMs : now);
  const isClaimable = rescheduled.task.status === "scheduled" && loss !== "ending";
  return announceRunners({
    attempt: closed.attempt,
    ...rescheduled,
    effects: isClaimable ? [{ kind: "wake", tasks: 1 }] : [],
  });
};
