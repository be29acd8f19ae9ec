import type { TaskCounts } from "../api/jobs.ts";
import type { TaskKind } from "../status.ts";
import type { JobRow } from "./rows.ts";
import { stages } from "./stages.ts";

type Delta = Partial<Record<Exclude<keyof TaskCounts, "total">, number>>;

/** Adds to the counts that the user sees. Leaves the job as it is for a chore. */
export const updateCounts = (
  job: JobRow,
  kind: TaskKind,
  { running = 0, completed = 0, failed = 0 }: Delta,
): JobRow => {
  const { counts } = stages[kind];
  if (counts === null) return job;
  const { [counts]: before } = job;
  return {
    ...job,
    [counts]: {
      total: before.total,
      running: before.running + running,
      completed: before.completed + completed,
      failed: before.failed + failed,
    },
  };
};
