import { addCounters, negatedCounters, noCounters } from "../counters.ts";
import { announceRunners } from "./announce-runners.ts";
import { updateCounts } from "./counts.ts";
import { phaseEffects, type Transition } from "./effects.ts";
import { giveUp } from "./give-up.ts";
import type { AttemptRow, JobRow, TaskRow } from "./rows.ts";

/**
 * The stored output of a completed map or reduce is gone, so the task runs again: a shuffle object that a reduce could not
 * read, or an upload that a commit did not find.
 *
 * @param attempt the one whose output is gone
 * @returns undefined when the task has another output by now, or the job no longer needs it
 */
export const loseOutput = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  reason: string,
  now: number,
): Transition | undefined => {
  const feedsReduces = task.kind === "map" && !job.mapOnly;
  const needed =
    job.status === "mapping" || job.status === "reducing" || (job.status === "committing" && !feedsReduces);
  if (!needed || task.status !== "completed" || task.winner !== attempt.id) return undefined;
  const error = { code: "OutputLost", message: reason };
  const gone: AttemptRow = {
    ...attempt,
    end: { at: attempt.end?.at ?? task.endedAt, outcome: "lost", error, counters: task.counters },
  };
  const again: TaskRow = {
    ...task,
    status: "scheduled",
    winner: null,
    endedAt: null,
    losses: task.losses + 1,
    counters: noCounters,
  };
  const without: JobRow = {
    ...updateCounts(job, task.kind, { completed: -1 }),
    counters: addCounters(job.counters, negatedCounters(task.counters)),
  };
  if (again.losses >= job.maxLosses) {
    const message = `its output was lost ${again.losses} times, last because ${reason}`;
    return announceRunners({ attempt: gone, ...giveUp(without, again, { ...error, message }, now) });
  }
  return announceRunners({
    // Where maps are missing as well, a reduce waits for them.
    job: { ...without, status: task.kind === "map" || job.status === "mapping" ? "mapping" : "reducing" },
    task: again,
    attempt: gone,
    effects: phaseEffects(1),
  });
};
