import { announceRunners } from "./announce-runners.ts";
import { updateCounts } from "./counts.ts";
import type { Transition } from "./effects.ts";
import { chargeFailure } from "./fail.ts";
import { attemptLost } from "./lose.ts";
import type { JobRow, TaskRow } from "./rows.ts";

/**
 * The agent explains a loss. A runner gives its task back when it is told to end, without knowing why; where the task itself was
 * the reason, the loss becomes a failure.
 * @param attempt the lost attempt
 * @param failure set where the task is to blame
 * @returns undefined when the task does not wait for this explanation
 */
export const explainLoss = (
  job: JobRow,
  task: TaskRow,
  attempt: string,
  failure: { readonly code: string; readonly message: string } | null,
  reason: string,
  now: number,
): Transition | undefined => {
  if (task.lost !== attempt || task.error === null) return undefined;
  const explained: TaskRow = { ...task, lost: null };
  const isScheduled = task.status === "scheduled";
  if (failure !== null && (isScheduled || task.status === "in-progress")) {
    // Charging takes a task that runs, so a scheduled one counts as running again first.
    const running = isScheduled ? updateCounts(job, task.kind, { running: 1 }) : job;
    const uncharged = { ...explained, losses: Math.max(0, task.losses - 1) };
    return announceRunners(chargeFailure(running, uncharged, { ...failure, final: false }, now));
  }
  // Another attempt may have failed since, and its error says more.
  if (task.error.code !== attemptLost) return { job, task: explained, effects: [] };
  const { code, message } = failure ?? { code: attemptLost, message: reason };
  return {
    job,
    task: { ...explained, error: { ...task.error, code, message }, notBefore: isScheduled ? now : task.notBefore },
    effects: isScheduled ? [{ kind: "wake", tasks: 1 }] : [],
  };
};
