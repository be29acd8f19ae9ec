import { releaseEffects, type JobChange } from "./effects.ts";
import type { JobRow } from "./rows.ts";

/** Ends the job. It is released at once when nobody can have begun anything that must be cleaned. @param reason why its attempts end */
export const endJob = (
  job: JobRow,
  status: "completed" | "failed" | "stopped",
  error: JobRow["error"],
  now: number,
  reason: string,
): JobChange => {
  // An open attempt can still begin an upload.
  const touched = job.touched || job.open > 0;
  return {
    job: {
      ...job,
      status,
      error,
      endedAt: now,
      maps: { ...job.maps, running: 0 },
      reduces: { ...job.reduces, running: 0 },
      doubled: 0,
      clean: touched ? "waiting" : "unneeded",
      released: !touched,
    },
    effects: [
      { kind: "revoke", task: "all", reason },
      { kind: "stop-tasks" },
      ...(touched ? [{ kind: "create", tasks: "clean", total: 1 } as const] : [{ kind: "erase" } as const]),
      { kind: "publish" },
      // Otherwise the end of the last open attempt wakes a runner.
      ...(touched && job.open === 0 ? [{ kind: "wake", tasks: 1 } as const] : []),
    ],
  };
};

/** Releases an ended job: nothing is wanted of its cluster any more. */
export const releaseJob = (job: JobRow, clean: "done" | "abandoned"): JobChange => ({
  job: { ...job, clean, released: true },
  effects: releaseEffects,
});

/** Releases an ended job whose cleaning is not done, and will not be. */
export const releaseUncleaned = (job: JobRow): JobChange => {
  const released = releaseJob(job, "abandoned");
  return {
    job: released.job,
    effects: [{ kind: "revoke", task: "all", reason: "the cleaning was given up" }, ...released.effects],
  };
};
