import { announceRunners } from "./announce-runners.ts";
import { closeAttempt, endOfFenced, isCurrent } from "./attempts.ts";
import type { Transition } from "./effects.ts";
import { giveUpUnlessTolerated } from "./give-up.ts";
import { reschedule } from "./reschedule.ts";
import type { AttemptEnd, AttemptRow, JobRow, TaskRow } from "./rows.ts";
import { stages, taskIdOf } from "./stages.ts";

/** The error code of a task whose last attempt was lost, where nothing better is known. */
export const attemptLost = "AttemptLost";

/**
 * How long a task waits for the reason its runner was ended, in ms: a pod has 20 s to end, and the agent sees its end some
 * seconds later. Until then the task is not run again, as it may turn out to have failed for good.
 */
const explanationMs = 30_000;

/** How a runner ended, as its agent reports it. */
export type RunnerEnd = {
  readonly reason: string;
  /** What the task is charged with; null where it is not to blame. */
  readonly failure: { readonly code: string; readonly message: string } | null;
  /** Whether the cluster ended it for reasons of its own, such as a drained or preempted node. */
  readonly disrupted?: boolean | undefined;
};

/**
 * What is known of a loss. `known`: everything. `disrupted`: everything, and the cluster is to blame, so that the loss is not
 * charged. `silent`: the runner is gone, and its agent may explain it later. `ending`: the runner was told to end, and its agent
 * will explain it soon.
 */
export type Loss = "known" | "disrupted" | "silent" | "ending";

/** How an attempt ends that is lost. */
const endOfLost = (message: string, now: number): AttemptEnd => ({
  at: now,
  outcome: "lost",
  error: { code: attemptLost, message },
  counters: null,
});

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
  const touched = { ...job, touched: true };
  if (!isCurrent(attempt, task)) {
    return announceRunners(closeAttempt(touched, task, attempt, endOfFenced(job, task, now)));
  }
  const closed = closeAttempt(touched, task, attempt, endOfLost(reason, now));
  // A lost input is charged to the task that makes it: otherwise each of its readers would be charged for every input.
  const isCharged = loss !== "disrupted" && !stages[task.kind].lacksInput(job);
  const isExplicable = isCharged && loss !== "known";
  const charged: TaskRow = {
    ...closed.task,
    losses: task.losses + (isCharged ? 1 : 0),
    error: { code: attemptLost, message: reason, taskId: taskIdOf(job.id, task.kind, task.index) },
    lost: isExplicable ? [...task.lost, attempt.id] : task.lost,
  };
  // A loss without an explanation does not fail the job by itself: the explanation may take it back.
  if (isCharged && (isExplicable ? task : charged).losses >= job.maxLosses) {
    const error = { code: "AttemptsLost", message: `lost ${charged.losses} times, last because ${reason}` };
    return announceRunners({
      attempt: closed.attempt,
      ...giveUpUnlessTolerated(closed.job, charged, error, now),
    });
  }
  const waits = isExplicable && loss === "ending";
  const rescheduled = reschedule(closed.job, charged, waits ? now + explanationMs : now);
  const isClaimable = rescheduled.task.status === "scheduled" && !waits;
  return announceRunners({
    attempt: closed.attempt,
    ...rescheduled,
    effects: isClaimable ? [{ kind: "wake", tasks: 1 }] : [],
  });
};
