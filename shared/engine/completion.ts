import { addCounters, maxCounterGroups, maxUserCounters, type CountersSnapshot } from "../counters.ts";
import { close, counts, isCounted } from "./attempts.ts";
import { givenUp } from "./failures.ts";
import { advanced, counted, ended, entered, releasing, shifted } from "./phases.ts";
import { none, type AttemptRow, type Effect, type JobRow, type TaskRow, type Transition } from "./rows.ts";

/** Why a job's counters are too many, or undefined when they are not. As in Hadoop the limits hold for the whole job. */
const tooManyCounters = ({ user }: CountersSnapshot): string | undefined => {
  const groups = Object.values(user);
  const names = groups.reduce((sum, group) => sum + Object.keys(group).length, 0);
  return groups.length > maxCounterGroups || names > maxUserCounters
    ? `The job's programs count under ${names} names in ${groups.length} groups; ` +
        `a job has at most ${maxUserCounters} counters in ${maxCounterGroups} groups.`
    : undefined;
};

/**
 * An attempt has done its task.
 *
 * @param planned for a plan: into how many maps the input is cut
 * @returns undefined when the attempt is fenced and only had to be closed by `lose`
 */
export const complete = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  counters: CountersSnapshot,
  now: number,
  planned = 0,
): Transition | undefined => {
  if (!counts(attempt, task)) return undefined;
  const sums = isCounted(task.kind) ? addCounters(job.counters, counters) : job.counters;
  const excess = tooManyCounters(sums);
  if (excess !== undefined) {
    const over = close(job, task, attempt, "ended");
    return {
      attempt: over.attempt,
      ...givenUp(over.job, over.task, { code: "TooManyCounters", message: excess }, now),
    };
  }
  const closed = close(job, task, attempt, "won");
  const done: TaskRow = {
    ...closed.task,
    status: "completed",
    live: 0,
    winner: attempt.id,
    endedAt: now,
    error: null,
    lost: null,
    counters,
  };
  const won = counted(closed.job, task.kind, shifted({ running: -1, completed: 1 }));
  const others: Effect[] =
    closed.task.live > 0
      ? [{ kind: "revoke", task: { kind: task.kind, index: task.index }, reason: "another attempt was first" }]
      : [];
  const then = ((): { job: JobRow; effects: readonly Effect[] } => {
    switch (task.kind) {
      case "plan": {
        const mapping: JobRow = { ...won, status: "mapping", maps: { ...none, total: planned } };
        const next = advanced(mapping);
        return {
          job: next.job,
          effects: [
            { kind: "create", tasks: "map", total: planned },
            ...(next.effects.length > 0 ? next.effects : entered),
          ],
        };
      }
      case "map":
      case "reduce":
        return advanced({
          ...won,
          counters: sums,
          pace: paced(job.pace, task.kind, now - attempt.startedAt),
          alike: null,
        });
      case "commit": {
        const commits = { ...won.commits, completed: won.commits.completed + 1 };
        const through = commits.completed === commits.total && won.status === "committing";
        return { job: { ...won, commits }, effects: through ? [{ kind: "wake" }] : [] };
      }
      case "success":
        return ended(won, "completed", null, now, "the job is completed");
      case "clean":
        return {
          job: { ...won, clean: "done", released: true },
          effects: releasing,
        };
    }
  })();
  return { job: then.job, task: done, attempt: closed.attempt, effects: [...others, ...then.effects] };
};

const paced = (pace: JobRow["pace"], kind: "map" | "reduce", ms: number): JobRow["pace"] => ({
  ...pace,
  [kind]: { attempts: pace[kind].attempts + 1, ms: pace[kind].ms + ms },
});
