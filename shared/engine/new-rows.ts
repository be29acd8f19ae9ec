import { noCounters } from "../counters.ts";
import type { TaskKind } from "../status.ts";
import { announceRunners } from "./announce-runners.ts";
import type { Transition } from "./effects.ts";
import { noTasks, type JobRow, type TaskRow } from "./rows.ts";

type JobOptions = Pick<
  JobRow,
  | "id"
  | "nReducers"
  | "parallelism"
  | "maxAttempts"
  | "maxLosses"
  | "maxFailedMapsPercent"
  | "speculation"
  | "keepFailedSeconds"
>;

/** The row of a job that was just posted. */
export const newJob = (options: JobOptions): Transition =>
  announceRunners({
    job: {
      ...options,
      status: "pending",
      mapOnly: options.nReducers === 0,
      maps: noTasks,
      reduces: { ...noTasks, total: options.nReducers },
      commits: { total: 0, completed: 0 },
      created: { reduces: false, commits: false },
      open: 0,
      touched: false,
      clean: "unneeded",
      heldUntil: null,
      released: false,
      endedAt: null,
      error: null,
      counters: noCounters,
      durations: { map: {}, reduce: {} },
      doubled: 0,
      announcedRunners: 0,
      alike: null,
      reportSeq: 0,
    },
    effects: [{ kind: "create", tasks: "plan", total: 1 }, { kind: "publish" }],
  });

/** What is so of a task that is to be tried as though nobody had tried it. Its attempts are numbered on. */
export const freshTask = {
  status: "scheduled",
  failures: 0,
  losses: 0,
  live: 0,
  winner: null,
  notBefore: 0,
  endedAt: null,
  message: "",
  error: null,
  lost: [],
  counters: noCounters,
} as const satisfies Partial<TaskRow>;

/** The row of a task that nobody has claimed. @param now in ms since 1970 */
export const newTask = (kind: TaskKind, index: number, now: number): TaskRow => ({
  kind,
  index,
  attempts: 0,
  startedAt: now,
  podName: "",
  ...freshTask,
  lost: [],
});
