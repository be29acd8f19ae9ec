import type { Task } from "../../sdk/index.ts";
import { shortTask } from "../../show/job-names.ts";

/** Runners that have a lane of their own. */
const mostLanes = 60;

export type Bar = {
  readonly name: string;
  readonly status: string;
  readonly from: number;
  readonly to: number;
  readonly lane: number;
};

/** The last attempts of tasks, in a lane a runner, in the order in which runners have begun. */
export const barsOf = (
  job: string,
  tasks: readonly Task[],
  now: number,
): { readonly bars: Bar[]; readonly runners: string[] } => {
  const begun = tasks
    .filter(({ attempt, podName }) => attempt > 0 && podName !== "")
    .toSorted((a, b) => a.startTime - b.startTime);
  const runners = [...new Set(begun.map(({ podName }) => podName))].slice(0, mostLanes);
  const bars = begun.flatMap(({ id, status, startTime, endTime, podName }) => {
    const lane = runners.indexOf(podName);
    return lane === -1 ? [] : [{ name: shortTask(job, id), status, from: startTime, to: endTime ?? now, lane }];
  });
  return { bars, runners };
};
