/** The words for where a job, a task or an attempt stands. Declared here and nowhere else. */

/**
 * `pending → planning → mapping → reducing → committing → completed`; before `committing` also `failed` or `stopped`; from
 * `committing` only `failed`, when the store refuses for good, or a state back, when an upload was lost.
 */
export const jobStatuses = [
  "pending",
  "planning",
  "mapping",
  "reducing",
  "committing",
  "completed",
  "failed",
  "stopped",
] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** `scheduled → in-progress → completed | failed | stopped`; back to `scheduled` when an attempt or its output is lost. */
export const taskStatuses = ["scheduled", "in-progress", "completed", "failed", "stopped"] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** The letters by which the statuses of tasks are told apart where there are many. */
export const statusLetters: Readonly<Record<TaskStatus, string>> = {
  scheduled: "s",
  "in-progress": "r",
  completed: "c",
  failed: "f",
  stopped: "x",
};

/**
 * How an attempt ended. `won`: it did its task. `failed`: the task is to blame. `lost`: its runner is gone, or has given it back,
 * or the store has lost what it made. `superseded`: another attempt was first, or has done the task again after the job was resumed.
 * `stopped`: the job ended before.
 */
export const attemptOutcomes = ["won", "failed", "lost", "superseded", "stopped"] as const;

/**
 * What a task does. `map` and `reduce` are the user's; the others are the job's own chores and are not listed:
 * `plan` lists the input, `commit` makes a batch of outputs visible, `success` writes `_SUCCESS`, `clean` removes what is left.
 */
export const taskKinds = ["plan", "map", "reduce", "commit", "success", "clean"] as const;
export type TaskKind = (typeof taskKinds)[number];

export const isEnded = (status: JobStatus): boolean =>
  status === "completed" || status === "failed" || status === "stopped";

/** The name of an output: `part-r-00000`, or `part-m-00000` in a map-only job. */
export const partName = (mapOnly: boolean, index: number): string =>
  `part-${mapOnly ? "m" : "r"}-${String(index).padStart(5, "0")}`;
