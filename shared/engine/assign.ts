import { announceRunners } from "./announce-runners.ts";
import { setLive } from "./attempts.ts";
import type { Transition } from "./effects.ts";
import { updateCounts } from "./counts.ts";
import type { AttemptRow, JobRow, TaskRow } from "./rows.ts";
import { taskIdOf } from "./stages.ts";

/**
 * Gives a task to a runner.
 *
 * @param task a scheduled task of the claimable kind whose `notBefore` is past; or a straggler, which is in progress with a
 *   single live attempt
 */
export const assign = (
  job: JobRow,
  task: TaskRow,
  runner: { readonly id: string; readonly podName: string },
  now: number,
): Transition & { readonly attempt: AttemptRow; readonly task: TaskRow } => {
  const number = task.attempts + 1;
  const isPlanning = job.status === "pending";
  const begun: JobRow = {
    ...job,
    status: isPlanning ? "planning" : job.status,
    open: job.open + 1,
    touched: job.touched || task.kind !== "plan",
  };
  const begunTask: TaskRow = {
    ...task,
    status: "in-progress",
    attempts: number,
    startedAt: now,
    podName: runner.podName,
  };
  const counted = updateCounts(begun, task.kind, { running: task.live === 0 ? 1 : 0 });
  return announceRunners({
    ...setLive(counted, begunTask, task.live + 1),
    attempt: {
      id: `${taskIdOf(job.id, task.kind, task.index)}-${number}`,
      kind: task.kind,
      index: task.index,
      runnerId: runner.id,
      status: "live",
      startedAt: now,
      end: null,
    },
    effects: isPlanning ? [{ kind: "publish" }] : [],
  });
};
