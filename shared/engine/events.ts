import { addCounters, negatedCounters, noCounters } from "../counters.ts";
import { isEnded } from "../status.ts";
import { givenUp } from "./failures.ts";
import { abandonClean, counted, ended, entered, shifted } from "./phases.ts";
import { maxLosses, type JobRow, type TaskRow, type Transition } from "./rows.ts";

/**
 * The job is over without a task's doing: its time is up, or its cluster cannot run it.
 * @returns undefined when it has ended, or is past that
 */
export const failJob = (
  job: JobRow,
  error: { readonly code: string; readonly message: string },
  now: number,
): Transition | undefined => {
  if (isEnded(job.status) || job.status === "committing") return undefined;
  const { code, message } = error;
  return ended(job, "failed", { code, message, taskId: null }, now, `the job has failed: ${code}`);
};

/**
 * The stored output of a completed map or reduce is gone, so the task runs again: a shuffle object that a reduce could not
 * read, or an upload that a commit did not find.
 *
 * @param outputOf the attempt whose output is gone
 * @returns undefined when the task has another output by now, or the job is past needing it
 */
export const loseOutput = (
  job: JobRow,
  task: TaskRow,
  outputOf: string,
  reason: string,
  now: number,
): Transition | undefined => {
  const feedsReduces = task.kind === "map" && !job.mapOnly;
  const needed =
    job.status === "mapping" || job.status === "reducing" || (job.status === "committing" && !feedsReduces);
  if (!needed || task.status !== "completed" || task.winner !== outputOf) return undefined;
  const again: TaskRow = {
    ...task,
    status: "scheduled",
    winner: null,
    endedAt: null,
    losses: task.losses + 1,
    counters: noCounters,
  };
  const without: JobRow = {
    ...counted(job, task.kind, shifted({ completed: -1 })),
    counters: addCounters(job.counters, negatedCounters(task.counters)),
  };
  if (again.losses >= maxLosses) {
    const message = `its output was lost ${again.losses} times, last because ${reason}`;
    return givenUp(without, again, { code: "OutputLost", message }, now);
  }
  return {
    // A reduce waits for the maps, should some of them be missing as well.
    job: { ...without, status: task.kind === "map" || job.status === "mapping" ? "mapping" : "reducing" },
    task: again,
    effects: entered,
  };
};

/**
 * The job's credentials are lost, so that nobody can do anything for it any more: it fails, whatever it is at, and is released
 * without a cleaning.
 * @returns undefined when it is released already
 */
export const loseCredentials = (
  job: JobRow,
  error: { readonly code: string; readonly message: string },
  now: number,
): Transition | undefined => {
  if (job.released) return undefined;
  const failure = { code: error.code, message: error.message, taskId: null };
  const failed = isEnded(job.status)
    ? { job, effects: [] }
    : ended(job, "failed", failure, now, `the job has failed: ${error.code}`);
  if (failed.job.released) return failed;
  const released = abandonClean(failed.job);
  return { job: released.job, effects: [...failed.effects, ...released.effects] };
};

/** An upload was begun, which has to be aborted unless it is committed. */
export const touch = (job: JobRow): Transition => ({ job: { ...job, touched: true }, effects: [] });

/** The user stops the job. @returns why not, or the transition */
export const stop = (job: JobRow, now: number): Transition | "ended" | "committing" => {
  if (isEnded(job.status)) return "ended";
  if (job.status === "committing") return "committing";
  return ended(job, "stopped", null, now, "the job was stopped");
};
