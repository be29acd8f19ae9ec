import { updateCounts } from "./counts.ts";
import type { JobRow, TaskRow } from "./rows.ts";

/** Schedules a task again unless another attempt of it is still at work. @param notBefore when it may be claimed, in ms since 1970 */
export const reschedule = (job: JobRow, task: TaskRow, notBefore: number): { job: JobRow; task: TaskRow } =>
  task.live > 0
    ? { job, task }
    : {
        job: updateCounts(job, task.kind, { running: -1 }),
        task: { ...task, status: "scheduled", notBefore },
      };
