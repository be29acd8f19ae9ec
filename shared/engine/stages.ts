import type { Result } from "../protocol/tasks.ts";
import { isEnded, taskKinds, type TaskKind } from "../status.ts";
import type { JobChange } from "./effects.ts";
import { endJob, releaseJob } from "./end.ts";
import { advance, startMapping } from "./phases.ts";
import type { JobRow } from "./rows.ts";

/** Everything that depends on the kind of a task. A job is at one stage at a time, or at none once it is released. */
type Stage = {
  /** Stands for the kind in the ids of its tasks. */
  readonly letter: string;
  /** The field of the job's row that counts these tasks for the user, whose counters then count too; null for the job's own chores. */
  readonly counts: "maps" | "reduces" | null;
  /** Whether a straggler may get a second attempt. */
  readonly speculates: boolean;
  /** Whether the job may go on without some of these tasks (`maxFailedMapsPercent`). */
  readonly isTolerable: boolean;
  /** What a completed attempt reports. */
  readonly result: (job: JobRow) => Result["kind"];
  /** Whether the job is at this stage. */
  readonly isCurrent: (job: JobRow) => boolean;
  /** Whether its tasks must wait until no attempt is open. */
  readonly runsAlone: boolean;
  /** How many of its tasks are not done yet; null where there is only one task. */
  readonly left: ((job: JobRow) => number) | null;
  /** Whether an input of its tasks is lost at the moment, and being made again. */
  readonly lacksInput: (job: JobRow) => boolean;
  /**
   * What follows the completion of one of its tasks.
   * @param planned for a plan: the number of maps
   */
  readonly follow: (job: JobRow, now: number, planned: number) => JobChange;
};

/** What the job's own chores have in common. */
const chore = {
  counts: null,
  speculates: false,
  isTolerable: false,
  result: (): Result["kind"] => "done",
  runsAlone: false,
  left: null,
  lacksInput: () => false,
} as const satisfies Partial<Stage>;

/** `_SUCCESS` is written after the last commit. */
const hasCommitsLeft = ({ commits }: JobRow): boolean => commits.completed < commits.total;

const followCommit = (job: JobRow): JobChange => {
  const next: JobRow = { ...job, commits: { ...job.commits, completed: job.commits.completed + 1 } };
  const isThrough = job.status === "committing" && !hasCommitsLeft(next);
  return { job: next, effects: isThrough ? [{ kind: "wake", tasks: 1 }] : [] };
};

export const stages: Record<TaskKind, Stage> = {
  plan: {
    ...chore,
    letter: "p",
    result: () => "plan",
    isCurrent: ({ status }) => status === "pending" || status === "planning",
    follow: (job, _now, planned) => startMapping(job, planned),
  },
  map: {
    letter: "m",
    counts: "maps",
    speculates: true,
    isTolerable: true,
    result: ({ mapOnly }) => (mapOnly ? "output" : "map"),
    isCurrent: ({ status }) => status === "mapping",
    runsAlone: false,
    left: ({ maps }) => maps.total - maps.completed - maps.failed,
    lacksInput: () => false,
    follow: advance,
  },
  reduce: {
    letter: "r",
    counts: "reduces",
    speculates: true,
    isTolerable: false,
    result: () => "output",
    isCurrent: ({ status }) => status === "reducing",
    runsAlone: false,
    left: ({ reduces }) => reduces.total - reduces.completed,
    lacksInput: ({ status }) => status === "mapping",
    follow: advance,
  },
  commit: {
    ...chore,
    letter: "c",
    isCurrent: (job) => job.status === "committing" && hasCommitsLeft(job),
    left: ({ commits }) => commits.total - commits.completed,
    lacksInput: ({ status }) => status === "mapping" || status === "reducing",
    follow: followCommit,
  },
  success: {
    ...chore,
    letter: "s",
    isCurrent: (job) => job.status === "committing" && !hasCommitsLeft(job),
    follow: (job, now) => endJob(job, "completed", null, now, "the job is completed"),
  },
  clean: {
    ...chore,
    letter: "x",
    isCurrent: ({ status, clean }) => isEnded(status) && clean === "waiting",
    runsAlone: true,
    follow: (job) => releaseJob(job, "done"),
  },
};

/** The kind of task that the job is at; undefined once it is released. */
export const currentKind = (job: JobRow): TaskKind | undefined => taskKinds.find((kind) => stages[kind].isCurrent(job));

/** Whether a task's id is one of a task of this kind. */
export const isOfKind = (taskId: string, jobId: string, kind: TaskKind): boolean =>
  taskId.startsWith(`${jobId}-${stages[kind].letter}-`);

/** `<jobId>-m-0` for the first map, `<jobId>-r-0` for the first reduce. */
export const taskIdOf = (jobId: string, kind: TaskKind, index: number): string =>
  `${jobId}-${stages[kind].letter}-${index}`;
