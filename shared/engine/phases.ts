import { commitBatch } from "../limits.ts";
import type { TaskCounts } from "../api/jobs.ts";
import { isEnded, type TaskKind } from "../status.ts";
import type { Effect, JobRow } from "./rows.ts";

/** The kind of task that may be claimed now, or undefined when there is none. */
export const claimable = (job: JobRow): TaskKind | undefined => {
  switch (job.status) {
    case "pending":
    case "planning":
      return "plan";
    case "mapping":
      return "map";
    case "reducing":
      return "reduce";
    case "committing":
      return job.commits.completed < job.commits.total ? "commit" : "success";
    case "completed":
    case "failed":
    case "stopped":
      return job.clean === "waiting" && job.open === 0 ? "clean" : undefined;
  }
};

/**
 * How many runners the job has work for; 0 when it needs none any more. Those at work count even where the phase has fewer
 * tasks left, so that a map that must run again does not cost the reduces their runners.
 */
export const runnersWanted = (job: JobRow): number => {
  const wanted = (left: number): number =>
    Math.min(job.parallelism ?? Number.MAX_SAFE_INTEGER, Math.max(left, job.open));
  switch (claimablePhase(job)) {
    case "map":
      return wanted(job.maps.total - job.maps.completed - job.maps.failed);
    case "reduce":
      return wanted(job.reduces.total - job.reduces.completed);
    case "commit":
      return wanted(job.commits.total - job.commits.completed);
    case "plan":
    case "success":
    case "clean":
      return 1;
    case undefined:
      return 0;
  }
};

/** As `claimable`, also while the cleaning still waits for attempts to end. */
const claimablePhase = (job: JobRow): TaskKind | undefined =>
  isEnded(job.status) ? (job.clean === "waiting" ? "clean" : undefined) : claimable(job);

/** Applies a change to the counts that the user sees; chores have none. */
export const counted = (job: JobRow, kind: TaskKind, change: (counts: TaskCounts) => TaskCounts): JobRow =>
  kind === "map"
    ? { ...job, maps: change(job.maps) }
    : kind === "reduce"
      ? { ...job, reduces: change(job.reduces) }
      : job;

export const shifted =
  (delta: Partial<Record<"running" | "completed" | "failed", number>>) =>
  (counts: TaskCounts): TaskCounts => ({
    ...counts,
    running: counts.running + (delta.running ?? 0),
    completed: counts.completed + (delta.completed ?? 0),
    failed: counts.failed + (delta.failed ?? 0),
  });

export const ended = (
  job: JobRow,
  status: "completed" | "failed" | "stopped",
  error: JobRow["error"],
  now: number,
  reason: string,
): { job: JobRow; effects: readonly Effect[] } => {
  // An attempt that may still act may still begin an upload.
  const touched = job.touched || job.open > 0;
  return {
    job: {
      ...job,
      status,
      error,
      endedAt: now,
      maps: { ...job.maps, running: 0 },
      reduces: { ...job.reduces, running: 0 },
      clean: touched ? "waiting" : "unneeded",
      released: !touched,
    },
    effects: [
      { kind: "revoke", task: "all", reason },
      { kind: "stop-tasks" },
      ...(touched ? [{ kind: "create", tasks: "clean", total: 1 } as const] : [{ kind: "erase" } as const]),
      { kind: "runners" },
      { kind: "publish" },
      { kind: "wake" },
    ],
  };
};

/** What entering a phase brings with it, forwards or back. */
export const entered: readonly Effect[] = [{ kind: "runners" }, { kind: "publish" }, { kind: "wake" }];

/** What releasing a job brings with it. */
export const releasing: readonly Effect[] = [{ kind: "erase" }, { kind: "runners" }, { kind: "publish" }];

/** A failed task of a job that goes on is one that it tolerates. */
const isThrough = ({ completed, failed, total }: TaskCounts): boolean => completed + failed === total;

/** Goes on to the next phase where this one is through. */
export const advanced = (job: JobRow): { job: JobRow; effects: readonly Effect[] } => {
  if (job.status === "mapping" && isThrough(job.maps) && !job.mapOnly) {
    const reducing: JobRow = { ...job, status: "reducing", created: { ...job.created, reduces: true } };
    const create: Effect[] = job.created.reduces ? [] : [{ kind: "create", tasks: "reduce", total: job.nReducers }];
    const next = advanced(reducing);
    return { job: next.job, effects: [...create, ...(next.effects.length > 0 ? next.effects : entered)] };
  }
  const outputs = job.mapOnly ? job.maps : job.reduces;
  const producing = job.status === (job.mapOnly ? "mapping" : "reducing");
  if (producing && isThrough(outputs)) {
    const total = Math.ceil(outputs.total / commitBatch);
    const create: Effect[] = job.created.commits
      ? []
      : [
          { kind: "create", tasks: "commit", total },
          { kind: "create", tasks: "success", total: 1 },
        ];
    return {
      job: {
        ...job,
        status: "committing",
        created: { ...job.created, commits: true },
        commits: job.created.commits ? job.commits : { total, completed: 0 },
      },
      effects: [...create, ...entered],
    };
  }
  return { job, effects: [] };
};

/** Cleaning has taken too long or failed for good: the job is released as it is. */
export const abandonClean = (job: JobRow): { job: JobRow; effects: readonly Effect[] } => ({
  job: { ...job, clean: "abandoned", released: true },
  effects: [{ kind: "revoke", task: "all", reason: "the cleaning was given up" }, ...releasing],
});
