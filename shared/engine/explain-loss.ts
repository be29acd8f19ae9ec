import { announceRunners } from "./announce-runners.ts";
import { updateCounts } from "./counts.ts";
import type { Transition } from "./effects.ts";
import { chargeFailure } from "./fail.ts";
import { attemptLost, type RunnerEnd } from "./lose.ts";
import type { AttemptRow, JobRow, TaskRow } from "./rows.ts";

/**
 * The agent explains a loss. A runner gives its task back when it is told to end, without knowing why. Where the task is to
 * blame, the loss becomes a failure; where the cluster is, the loss is taken back.
 * @param attempt the lost attempt
 * @returns undefined when the task does not wait for this explanation
 */
export const explainLoss = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  { reason, failure, disrupted }: RunnerEnd,
  now: number,
): Transition | undefined => {
  if (!task.lost.includes(attempt.id)) return undefined;
  const lost = task.lost.filter((other) => other !== attempt.id);
  const { code, message } = failure ?? { code: attemptLost, message: reason };
  const ended: AttemptRow = {
    ...attempt,
    end: {
      at: attempt.end?.at ?? now,
      outcome: failure === null ? "lost" : "failed",
      error: { code, message },
      counters: null,
    },
  };
  const isTakenBack = failure !== null || disrupted === true;
  // Release 0.1.0 waits for explanations of losses that it has not charged, too.
  const losses = isTakenBack ? Math.max(0, task.losses - 1) : task.losses;
  const explained: TaskRow = { ...task, lost, losses };
  const isScheduled = task.status === "scheduled";
  if (failure !== null && (isScheduled || task.status === "in-progress")) {
    // Charging takes a task that runs, so a scheduled one counts as running again first.
    const running = isScheduled ? updateCounts(job, task.kind, { running: 1 }) : job;
    const charged = chargeFailure(running, explained, { ...failure, final: false }, now);
    return announceRunners({ attempt: ended, ...charged });
  }
  // Another attempt may have failed or been lost since, and its error says more.
  if (task.error?.code !== attemptLost || task.lost.at(-1) !== attempt.id) {
    return { job, task: explained, attempt: ended, effects: [] };
  }
  return {
    job,
    attempt: ended,
    task: { ...explained, error: { ...task.error, code, message }, notBefore: isScheduled ? now : task.notBefore },
    effects: isScheduled ? [{ kind: "wake", tasks: 1 }] : [],
  };
};
