import { setLive } from "./attempts.ts";
import { updateCounts } from "./counts.ts";
import type { TaskChange } from "./effects.ts";
import { endJob, releaseUncleaned } from "./end.ts";
import { advance } from "./phases.ts";
import type { JobRow, TaskRow } from "./rows.ts";
import { stages, taskIdOf } from "./stages.ts";

type Failure = { readonly code: string; readonly message: string };

/**
 * Whether the job can do without one more of these tasks. Once reduces exist it cannot: one of them may have read an output of
 * the failed map before that was lost.
 */
const isDispensable = ({ created, maps, maxFailedMapsPercent }: JobRow, { kind }: TaskRow): boolean =>
  stages[kind].isTolerable && !created.reduces && (maps.failed + 1) * 100 <= maxFailedMapsPercent * maps.total;

/** Fails the task alone; the job goes on. */
const tolerate = (job: JobRow, task: TaskRow, now: number): TaskChange => {
  const closed = setLive(updateCounts(job, task.kind, { running: -1, failed: 1 }), task, 0);
  const next = advance(closed.job);
  return {
    job: next.job,
    task: { ...closed.task, status: "failed", endedAt: now },
    effects: [
      { kind: "revoke", task: { kind: task.kind, index: task.index }, reason: "the task has failed" },
      ...next.effects,
    ],
  };
};

/** Fails the task, and the job with it. A failed cleaning is abandoned instead. */
export const giveUp = (job: JobRow, task: TaskRow, { code, message }: Failure, now: number): TaskChange => {
  const failed: TaskRow = { ...task, status: "failed", endedAt: now };
  if (task.kind === "clean") return { ...releaseUncleaned(job), task: failed };
  const failure = { code, message, taskId: taskIdOf(job.id, task.kind, task.index) };
  const counted = updateCounts(job, task.kind, { failed: 1 });
  return { ...endJob(counted, "failed", failure, now, `the job has failed: ${code}`), task: failed };
};

/** Fails a task in progress. The job fails with it unless it tolerates one more failed task. */
export const giveUpUnlessTolerated = (job: JobRow, task: TaskRow, failure: Failure, now: number): TaskChange =>
  isDispensable(job, task) ? tolerate(job, task, now) : giveUp(job, task, failure, now);
