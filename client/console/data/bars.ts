import type { Attempt, Task } from "../../sdk/index.ts";
import { shortTask } from "../../show/job-names.ts";

/** Runners that have a lane of their own. */
const mostLanes = 60;

/** An attempt in the timeline. `status` is the task's status that has the same colour. */
export type Bar = {
  readonly name: string;
  readonly status: string;
  readonly from: number;
  readonly to: number;
  readonly lane: number;
};

/** A task with all of its attempts, where there is more than the last one. */
export type Attempted = { readonly task: Task; readonly attempts?: readonly Attempt[] };

const statusOf = {
  won: "completed",
  failed: "failed",
  lost: "stopped",
  superseded: "scheduled",
  stopped: "stopped",
} as const;

type Run = Omit<Bar, "lane"> & { readonly runner: string };

const runsOf = (job: string, { task, attempts }: Attempted, now: number): Run[] => {
  const name = shortTask(job, task.id);
  if (attempts === undefined) {
    const { status, startTime, endTime, podName, attempt } = task;
    return attempt === 0 || podName === ""
      ? []
      : [{ name, status, from: startTime, to: endTime ?? now, runner: podName }];
  }
  return attempts.map(({ number, runner, startTime, endTime, outcome }) => ({
    name: `${name}, attempt ${number}`,
    status: outcome === null ? "in-progress" : statusOf[outcome],
    from: startTime,
    to: endTime ?? now,
    runner,
  }));
};

/** What runners did, in a lane each, in the order in which they have begun. @param now in ms since 1970 */
export const barsOf = (
  job: string,
  tasks: readonly Attempted[],
  now: number,
): { readonly bars: Bar[]; readonly runners: string[] } => {
  const runs = tasks.flatMap((task) => runsOf(job, task, now)).toSorted((a, b) => a.from - b.from);
  const runners = [...new Set(runs.map(({ runner }) => runner))].slice(0, mostLanes);
  const bars = runs.flatMap(({ runner, ...run }) => {
    const lane = runners.indexOf(runner);
    return lane === -1 ? [] : [{ ...run, lane }];
  });
  return { bars, runners };
};
