import type { TaskKind } from "../status.ts";
import type { JobRow } from "./rows.ts";
import { currentKind, stages } from "./stages.ts";

/** The kind of task that may be claimed now; undefined when there is none. */
export const claimableKind = (job: JobRow): TaskKind | undefined => {
  const kind = currentKind(job);
  return kind !== undefined && stages[kind].runsAlone && job.open > 0 ? undefined : kind;
};

/**
 * How many runners the job has work for; 0 once it is released. Runners at work count even where the phase has fewer tasks
 * left, so that a map that must run again does not cost the reduces their runners.
 */
export const runnersWanted = (job: JobRow): number => {
  const kind = currentKind(job);
  if (kind === undefined) return 0;
  const { left } = stages[kind];
  if (left === null) return 1;
  return Math.min(job.parallelism ?? Number.MAX_SAFE_INTEGER, Math.max(left(job), job.open));
};
