import { addCounters, type CountersSnapshot } from "../counters.ts";
import { maxCounterGroups, maxUserCounters } from "../user-counters.ts";
import type { TaskKind } from "../status.ts";
import { announceRunners } from "./announce-runners.ts";
import { closeAttempt, isCurrent } from "./attempts.ts";
import { updateCounts } from "./counts.ts";
import { addDuration } from "./durations.ts";
import type { Effect, Transition } from "./effects.ts";
import { giveUp } from "./give-up.ts";
import type { AttemptRow, JobRow, TaskRow } from "./rows.ts";
import { stages } from "./stages.ts";

/** Describes why the job has too many counters; undefined when it has not. As in Hadoop, the limits hold for the whole job. */
const excessOfCounters = ({ user }: CountersSnapshot): string | undefined => {
  const groups = Object.values(user);
  const names = groups.reduce((sum, group) => sum + Object.keys(group).length, 0);
  return groups.length > maxCounterGroups || names > maxUserCounters
    ? `The job's programs count under ${names} names in ${groups.length} groups; ` +
        `a job has at most ${maxUserCounters} counters in ${maxCounterGroups} groups.`
    : undefined;
};

/** Adds a winning attempt's duration. Those of chores are not kept. */
const updateDurations = (durations: JobRow["durations"], kind: TaskKind, ms: number): JobRow["durations"] =>
  kind === "map" || kind === "reduce" ? { ...durations, [kind]: addDuration(durations[kind], ms) } : durations;

/**
 * An attempt has done its task.
 *
 * @param planned for a plan: the number of maps
 * @returns undefined when the attempt is fenced, and only has to be closed by `lose`
 */
export const complete = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  counters: CountersSnapshot,
  now: number,
  planned = 0,
): Transition | undefined => {
  if (!isCurrent(attempt, task)) return undefined;
  const stage = stages[task.kind];
  const sums = stage.counts === null ? job.counters : addCounters(job.counters, counters);
  const excess = excessOfCounters(sums);
  if (excess !== undefined) {
    const error = { code: "TooManyCounters", message: excess };
    const over = closeAttempt(job, task, attempt, { at: now, outcome: "failed", error, counters });
    return announceRunners({ attempt: over.attempt, ...giveUp(over.job, over.task, error, now) });
  }
  const closed = closeAttempt(job, task, attempt, { at: now, outcome: "won", error: null, counters: null });
  const done: TaskRow = {
    ...closed.task,
    status: "completed",
    live: 0,
    winner: attempt.id,
    endedAt: now,
    error: null,
    lost: [],
    counters,
  };
  const won: JobRow = {
    ...updateCounts(closed.job, task.kind, { running: -1, completed: 1 }),
    counters: sums,
    durations: updateDurations(job.durations, task.kind, now - attempt.startedAt),
    alike: stage.counts === null ? job.alike : null,
  };
  const others: Effect[] =
    closed.task.live > 0
      ? [{ kind: "revoke", task: { kind: task.kind, index: task.index }, reason: "another attempt was first" }]
      : [];
  const next = stage.follow(won, now, planned);
  return announceRunners({
    job: next.job,
    task: done,
    attempt: closed.attempt,
    effects: [...others, ...next.effects],
  });
};
