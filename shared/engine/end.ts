import { releaseEffects, type Effect, type JobChange } from "./effects.ts";
import { isWorthKeeping } from "./hold.ts";
import type { JobRow } from "./rows.ts";

/** What becomes of what an ended job has computed and begun. `unneeded`: nobody can have begun anything. */
type Afterwards = "unneeded" | "held" | "waiting";

/** An ended job begins to be cleaned. @param open the number of its open attempts */
export const cleaningEffects = (open: number): readonly Effect[] => [
  { kind: "create", tasks: "clean", total: 1 },
  { kind: "publish" },
  // Otherwise the end of the last open attempt wakes a runner.
  ...(open === 0 ? [{ kind: "wake", tasks: 1 } as const] : []),
];

const afterwardsEffects = (afterwards: Afterwards, open: number): readonly Effect[] => {
  switch (afterwards) {
    case "unneeded":
      return [{ kind: "erase" }, { kind: "publish" }];
    case "held":
      return [{ kind: "dismiss" }, { kind: "publish" }];
    case "waiting":
      return cleaningEffects(open);
  }
};

/**
 * Ends the job. It is released at once when nobody can have begun anything that must be cleaned, and held where its request asks
 * to keep what a failed job has computed.
 * @param reason why its attempts end
 */
export const endJob = (
  job: JobRow,
  status: "completed" | "failed" | "stopped",
  error: JobRow["error"],
  now: number,
  reason: string,
): JobChange => {
  // An open attempt can still begin an upload.
  const touched = job.touched || job.open > 0;
  const ended = touched ? "waiting" : "unneeded";
  const afterwards = status === "failed" && isWorthKeeping(job) ? "held" : ended;
  return {
    job: {
      ...job,
      status,
      error,
      endedAt: now,
      maps: { ...job.maps, running: 0 },
      reduces: { ...job.reduces, running: 0 },
      doubled: 0,
      clean: afterwards,
      heldUntil: afterwards === "held" ? now + job.keepFailedSeconds * 1000 : null,
      released: afterwards === "unneeded",
    },
    effects: [
      { kind: "revoke", task: "all", reason },
      { kind: "stop-tasks" },
      ...afterwardsEffects(afterwards, job.open),
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
