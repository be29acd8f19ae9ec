import { isEnded, taskIdOf, type TaskKind } from "../status.ts";
import { counted, shifted } from "./phases.ts";
import type { AttemptRow, Effect, JobRow, TaskRow, Transition } from "./rows.ts";

/**
 * A runner claims a task.
 *
 * @param task one that is `scheduled`, of the kind that is `claimable`, and whose `notBefore` is past; or one that is in progress
 *   with a single live attempt, which is a straggler
 */
export const assign = (
  job: JobRow,
  task: TaskRow,
  runner: { readonly id: string; readonly podName: string },
  now: number,
): Transition & { readonly attempt: AttemptRow; readonly task: TaskRow } => {
  const number = task.attempts + 1;
  const begun: JobRow = { ...job, open: job.open + 1, touched: job.touched || task.kind !== "plan" };
  const planning = job.status === "pending";
  const running = task.live === 0 ? 1 : 0;
  return {
    job: counted(planning ? { ...begun, status: "planning" } : begun, task.kind, shifted({ running })),
    task: {
      ...task,
      status: "in-progress",
      attempts: number,
      live: task.live + 1,
      startedAt: now,
      podName: runner.podName,
    },
    attempt: {
      id: `${taskIdOf(job.id, task.kind, task.index)}-${number}`,
      kind: task.kind,
      index: task.index,
      runnerId: runner.id,
      status: "live",
      startedAt: now,
    },
    effects: planning ? [{ kind: "publish" }] : [],
  };
};

/** An open attempt is over: it can act no more. */
export const close = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  status: "won" | "ended",
): { job: JobRow; task: TaskRow; attempt: AttemptRow; effects: readonly Effect[] } => {
  const closed: JobRow = { ...job, open: job.open - 1 };
  return {
    job: closed,
    task: attempt.status === "live" ? { ...task, live: task.live - 1 } : task,
    attempt: { ...attempt, status },
    // The cleaning waits for the last open attempt.
    effects: isEnded(closed.status) && closed.open === 0 ? [{ kind: "wake" }] : [],
  };
};

/** Whether what the attempt says still counts. */
export const counts = (attempt: AttemptRow, task: TaskRow): boolean =>
  attempt.status === "live" && task.status === "in-progress";

export const isCounted = (kind: TaskKind): boolean => kind === "map" || kind === "reduce";
