import { z } from "zod";
import {
  addCounters,
  CountersSchema,
  maxCounterGroups,
  maxUserCounters,
  negatedCounters,
  noCounters,
  type CountersSnapshot,
} from "./counters.ts";
import { commitBatch } from "./limits.ts";
import type { AttemptError } from "./messages.ts";
import { FailureSchema, TaskCountsSchema, type TaskCounts } from "./rest.ts";
import { isEnded, jobStatuses, taskIdOf, taskKinds, taskStatuses, type TaskKind } from "./status.ts";

/**
 * The job machine: pure functions from (job row, the touched task and attempt, what happened) to new rows and effects. It
 * knows nothing of storage, time or sockets, and its cost does not grow with the number of tasks.
 *
 * - An attempt is *live* while its runner may act for it, *revoked* when it must end but its runner has not said that it
 *   did, *won* when its result counts, *ended* otherwise. Only a live attempt changes a task: that is the fence.
 * - A task is tried until one attempt wins. A failure of its own making is charged to it, and the job's `maxAttempts` of them
 *   fail the task; a lost attempt (runner gone, lease over, given back) is not, but `maxLosses` bounds them, so that a task which
 *   takes its runner down with it comes to an end too. A failed task fails the job, but for the share of maps that it tolerates.
 * - Where `maxAttempts` different tasks fail in the same way and none succeeds in between, the program is broken and not the
 *   tasks: the job fails without trying them all.
 * - A task may have a second live attempt, where its first is a straggler; the first to finish wins, and the other is revoked.
 * - A phase ends when all its tasks are completed, or failed and tolerated. A map output that was lost takes a reducing job back to `mapping`, an
 *   upload that was lost takes a committing one back to the phase that makes it.
 * - An ended job is cleaned by a task of its own, once no attempt can act any more. Then it is *released*: nothing is wanted
 *   of the cluster, and its credentials are gone.
 */

/** Lost attempts and lost outputs of one task after which the job fails. */
export const maxLosses = 16;

const PaceSchema = z.object({ attempts: z.int(), ms: z.number() });

export const JobRowSchema = z.object({
  id: z.string(),
  status: z.enum(jobStatuses),
  mapOnly: z.boolean(),
  nReducers: z.int(),
  parallelism: z.int().nullable(),
  /** Failures of one task's own making after which it fails. */
  maxAttempts: z.int(),
  /** Of all maps, how many may fail without failing the job. */
  maxFailedMapsPercent: z.number(),
  /** Whether stragglers get a second attempt. */
  speculation: z.boolean(),
  maps: TaskCountsSchema,
  reduces: TaskCountsSchema,
  /** Commit batches. */
  commits: z.object({ total: z.int(), completed: z.int() }),
  /** Which tasks exist already; a phase that is entered again finds them. */
  created: z.object({ reduces: z.boolean(), commits: z.boolean() }),
  /** Attempts that are live or revoked: those that may still act. */
  open: z.int(),
  /** A task other than the plan was handed out, or an upload was begun, so that something may have to be cleaned. */
  touched: z.boolean(),
  clean: z.enum(["unneeded", "waiting", "done", "abandoned"]),
  released: z.boolean(),
  endedAt: z.int().nullable(),
  error: FailureSchema.nullable(),
  /** Of winning map and reduce attempts. */
  counters: CountersSchema,
  /** Maps that failed and were tolerated. */
  failedMaps: z.array(z.int()),
  /** Of attempts that have won so far: how many, and how long they took together, in ms. */
  pace: z.object({ map: PaceSchema, reduce: PaceSchema }),
  /** What the last failures had in common, and which different tasks had them since a task of the phase was completed. */
  alike: z.object({ failure: z.string(), tasks: z.array(z.int()) }).nullable(),
});
export type JobRow = z.infer<typeof JobRowSchema>;

export const TaskRowSchema = z.object({
  kind: z.enum(taskKinds),
  index: z.int(),
  status: z.enum(taskStatuses),
  /** Attempts made, which also numbers them. */
  attempts: z.int(),
  failures: z.int(),
  losses: z.int(),
  /** Live attempts. */
  live: z.int(),
  winner: z.string().nullable(),
  /** Not to be claimed before this time, in ms. */
  notBefore: z.int(),
  startedAt: z.int(),
  endedAt: z.int().nullable(),
  podName: z.string(),
  /** What the program last said of itself. */
  message: z.string(),
  error: FailureSchema.nullable(),
  /** The attempt of whose loss `error` tells, where it does. */
  lost: z.string().nullable(),
  counters: CountersSchema,
});
export type TaskRow = z.infer<typeof TaskRowSchema>;

const attemptStatuses = ["live", "revoked", "won", "ended"] as const;
export const AttemptRowSchema = z.object({
  id: z.string(),
  kind: z.enum(taskKinds),
  index: z.int(),
  runnerId: z.string(),
  status: z.enum(attemptStatuses),
  /** In ms since 1970. */
  startedAt: z.int(),
});
export type AttemptRow = z.infer<typeof AttemptRowSchema>;

/** What the durable shell does besides storing the rows, in the same transaction. */
export type Effect =
  /** Insert `total` tasks of a kind, scheduled. */
  | { readonly kind: "create"; readonly tasks: TaskKind; readonly total: number }
  /** Revoke all live attempts, or those of one task, and tell their runners. */
  | { readonly kind: "revoke"; readonly task: { kind: TaskKind; index: number } | "all"; readonly reason: string }
  /** Set all tasks of the user's that have not ended to `stopped`. */
  | { readonly kind: "stop-tasks" }
  /** Tell the cluster how many runners are wanted now. */
  | { readonly kind: "runners" }
  /** Tell the Registry how the job stands. */
  | { readonly kind: "publish" }
  /** Tell idle runners that there may be work. */
  | { readonly kind: "wake" }
  /** Erase the credentials. */
  | { readonly kind: "erase" };

export type Transition = {
  readonly job: JobRow;
  readonly task?: TaskRow;
  readonly attempt?: AttemptRow;
  readonly effects: readonly Effect[];
};

const noPace = { attempts: 0, ms: 0 };
const none: TaskCounts = { total: 0, running: 0, completed: 0, failed: 0 };

type JobOptions = Pick<
  JobRow,
  "id" | "nReducers" | "parallelism" | "maxAttempts" | "maxFailedMapsPercent" | "speculation"
>;

export const newJob = (options: JobOptions): Transition => ({
  job: {
    ...options,
    status: "pending",
    mapOnly: options.nReducers === 0,
    maps: none,
    reduces: { ...none, total: options.nReducers },
    commits: { total: 0, completed: 0 },
    created: { reduces: false, commits: false },
    open: 0,
    touched: false,
    clean: "unneeded",
    released: false,
    endedAt: null,
    error: null,
    counters: noCounters,
    failedMaps: [],
    pace: { map: noPace, reduce: noPace },
    alike: null,
  },
  effects: [{ kind: "create", tasks: "plan", total: 1 }, { kind: "runners" }, { kind: "publish" }],
});

export const newTask = (kind: TaskKind, index: number, now: number): TaskRow => ({
  kind,
  index,
  status: "scheduled",
  attempts: 0,
  failures: 0,
  losses: 0,
  live: 0,
  winner: null,
  notBefore: 0,
  startedAt: now,
  endedAt: null,
  podName: "",
  message: "",
  error: null,
  lost: null,
  counters: noCounters,
});

/** The kind of task that may be claimed now, or undefined when there is none. */
export const claimable = (job: JobRow): TaskKind | undefined => {
  switch (job.status) {
    case "pending":
    case "planning":
      return "plan";
    case "mapping":
      return "map";
    case "reducing":
      return "reduce";
    case "committing":
      return job.commits.completed < job.commits.total ? "commit" : "success";
    case "completed":
    case "failed":
    case "stopped":
      return job.clean === "waiting" && job.open === 0 ? "clean" : undefined;
  }
};

/**
 * How many runners the job has work for; 0 when it needs none any more. Those at work count even where the phase has fewer
 * tasks left, so that a map that must run again does not cost the reduces their runners.
 */
export const runnersWanted = (job: JobRow): number => {
  const wanted = (left: number): number =>
    Math.min(job.parallelism ?? Number.MAX_SAFE_INTEGER, Math.max(left, job.open));
  switch (claimablePhase(job)) {
    case "map":
      return wanted(job.maps.total - job.maps.completed - job.maps.failed);
    case "reduce":
      return wanted(job.reduces.total - job.reduces.completed);
    case "commit":
      return wanted(job.commits.total - job.commits.completed);
    case "plan":
    case "success":
    case "clean":
      return 1;
    case undefined:
      return 0;
  }
};

/** As `claimable`, also while the cleaning still waits for attempts to end. */
const claimablePhase = (job: JobRow): TaskKind | undefined =>
  isEnded(job.status) ? (job.clean === "waiting" ? "clean" : undefined) : claimable(job);

/** Applies a change to the counts that the user sees; chores have none. */
const counted = (job: JobRow, kind: TaskKind, change: (counts: TaskCounts) => TaskCounts): JobRow =>
  kind === "map"
    ? { ...job, maps: change(job.maps) }
    : kind === "reduce"
      ? { ...job, reduces: change(job.reduces) }
      : job;

const shifted =
  (delta: Partial<Record<"running" | "completed" | "failed", number>>) =>
  (counts: TaskCounts): TaskCounts => ({
    ...counts,
    running: counts.running + (delta.running ?? 0),
    completed: counts.completed + (delta.completed ?? 0),
    failed: counts.failed + (delta.failed ?? 0),
  });

/** Milliseconds before a task is tried again after its `failures`-th failure: 0.5 s, doubled each time, at most 30 s. */
const backoff = (failures: number): number => Math.min(30_000, 500 * 2 ** (failures - 1));

/** Of an attempt that is slower than the others: how much longer than they took on average it has run, and at least that many ms. */
const straggling = { factor: 1.5, atLeastMs: 1000 };

/**
 * How long an attempt of the phase has to run, in ms, before its task may have a second one; undefined while none may. Not before
 * half of the tasks are completed, as it is not known then what is slow. (As Spark's `spark.speculation`, with its quantile and multiplier.)
 */
export const stragglerAge = (job: JobRow): number | undefined => {
  const kind = claimable(job);
  if (!job.speculation || (kind !== "map" && kind !== "reduce")) return undefined;
  const { attempts, ms } = job.pace[kind];
  const { completed, total } = kind === "map" ? job.maps : job.reduces;
  if (attempts === 0 || completed * 2 < total) return undefined;
  const mean = ms / attempts;
  return Math.max(mean * straggling.factor, mean + straggling.atLeastMs);
};

/**
 * A runner claims a task.
 *
 * @param task one that is `scheduled`, of the kind that is `claimable`, and whose `notBefore` is past; or one that is in progress
 *   with a single live attempt, which is a straggler
 */
export const assign = (
  job: JobRow,
  task: TaskRow,
  runner: { readonly id: string; readonly podName: string },
  now: number,
): Transition & { readonly attempt: AttemptRow; readonly task: TaskRow } => {
  const number = task.attempts + 1;
  const begun: JobRow = { ...job, open: job.open + 1, touched: job.touched || task.kind !== "plan" };
  const planning = job.status === "pending";
  const running = task.live === 0 ? 1 : 0;
  return {
    job: counted(planning ? { ...begun, status: "planning" } : begun, task.kind, shifted({ running })),
    task: {
      ...task,
      status: "in-progress",
      attempts: number,
      live: task.live + 1,
      startedAt: now,
      podName: runner.podName,
    },
    attempt: {
      id: `${taskIdOf(job.id, task.kind, task.index)}-${number}`,
      kind: task.kind,
      index: task.index,
      runnerId: runner.id,
      status: "live",
      startedAt: now,
    },
    effects: planning ? [{ kind: "publish" }] : [],
  };
};

/** An open attempt is over: it can act no more. */
const close = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  status: "won" | "ended",
): { job: JobRow; task: TaskRow; attempt: AttemptRow; effects: readonly Effect[] } => {
  const closed: JobRow = { ...job, open: job.open - 1 };
  return {
    job: closed,
    task: attempt.status === "live" ? { ...task, live: task.live - 1 } : task,
    attempt: { ...attempt, status },
    // The cleaning waits for the last open attempt.
    effects: isEnded(closed.status) && closed.open === 0 ? [{ kind: "wake" }] : [],
  };
};

/** Whether what the attempt says still counts. */
const counts = (attempt: AttemptRow, task: TaskRow): boolean =>
  attempt.status === "live" && task.status === "in-progress";

const ended = (
  job: JobRow,
  status: "completed" | "failed" | "stopped",
  error: JobRow["error"],
  now: number,
  reason: string,
): { job: JobRow; effects: readonly Effect[] } => {
  // An attempt that may still act may still begin an upload.
  const touched = job.touched || job.open > 0;
  return {
    job: {
      ...job,
      status,
      error,
      endedAt: now,
      maps: { ...job.maps, running: 0 },
      reduces: { ...job.reduces, running: 0 },
      clean: touched ? "waiting" : "unneeded",
      released: !touched,
    },
    effects: [
      { kind: "revoke", task: "all", reason },
      { kind: "stop-tasks" },
      ...(touched ? [{ kind: "create", tasks: "clean", total: 1 } as const] : [{ kind: "erase" } as const]),
      { kind: "runners" },
      { kind: "publish" },
      { kind: "wake" },
    ],
  };
};

/** What entering a phase brings with it, forwards or back. */
const entered: readonly Effect[] = [{ kind: "runners" }, { kind: "publish" }, { kind: "wake" }];

/** What releasing a job brings with it. */
const releasing: readonly Effect[] = [{ kind: "erase" }, { kind: "runners" }, { kind: "publish" }];

/** A failed task of a job that goes on is one that it tolerates. */
const isThrough = ({ completed, failed, total }: TaskCounts): boolean => completed + failed === total;

/** Goes on to the next phase where this one is through. */
const advanced = (job: JobRow): { job: JobRow; effects: readonly Effect[] } => {
  if (job.status === "mapping" && isThrough(job.maps) && !job.mapOnly) {
    const reducing: JobRow = { ...job, status: "reducing", created: { ...job.created, reduces: true } };
    const create: Effect[] = job.created.reduces ? [] : [{ kind: "create", tasks: "reduce", total: job.nReducers }];
    const next = advanced(reducing);
    return { job: next.job, effects: [...create, ...(next.effects.length > 0 ? next.effects : entered)] };
  }
  const outputs = job.mapOnly ? job.maps : job.reduces;
  const producing = job.status === (job.mapOnly ? "mapping" : "reducing");
  if (producing && isThrough(outputs)) {
    const total = Math.ceil(outputs.total / commitBatch);
    const create: Effect[] = job.created.commits
      ? []
      : [
          { kind: "create", tasks: "commit", total },
          { kind: "create", tasks: "success", total: 1 },
        ];
    return {
      job: {
        ...job,
        status: "committing",
        created: { ...job.created, commits: true },
        commits: job.created.commits ? job.commits : { total, completed: 0 },
      },
      effects: [...create, ...entered],
    };
  }
  return { job, effects: [] };
};

const isCounted = (kind: TaskKind): boolean => kind === "map" || kind === "reduce";

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

/** A task is to be tried again, now or later, unless another attempt of it is still at work. */
const rescheduled = (job: JobRow, task: TaskRow, notBefore: number): { job: JobRow; task: TaskRow } =>
  task.live > 0
    ? { job, task }
    : {
        job: counted(job, task.kind, shifted({ running: -1 })),
        task: { ...task, status: "scheduled", notBefore },
      };

/** Whether the job can do without one more of its maps. */
const isDispensable = ({ failedMaps, maps, maxFailedMapsPercent }: JobRow, { kind }: TaskRow): boolean =>
  kind === "map" && (failedMaps.length + 1) * 100 <= maxFailedMapsPercent * maps.total;

/** A task has failed that the job can do without. */
const doneWithout = (
  job: JobRow,
  task: TaskRow,
  now: number,
): { job: JobRow; task: TaskRow; effects: readonly Effect[] } => {
  const without = counted(job, task.kind, shifted({ running: -1, failed: 1 }));
  const next = advanced({ ...without, failedMaps: [...job.failedMaps, task.index] });
  return {
    job: next.job,
    task: { ...task, status: "failed", live: 0, endedAt: now },
    effects: [
      { kind: "revoke", task: { kind: task.kind, index: task.index }, reason: "the task has failed" },
      ...next.effects,
    ],
  };
};

/** The task is given up, and the job with it, unless it was the cleaning, which is then abandoned. */
const givenUp = (
  job: JobRow,
  task: TaskRow,
  error: { readonly code: string; readonly message: string },
  now: number,
): { job: JobRow; task: TaskRow; effects: readonly Effect[] } => {
  const failed: TaskRow = { ...task, status: "failed", endedAt: now };
  if (task.kind === "clean") {
    return { ...abandonClean(job), task: failed };
  }
  const failure = { code: error.code, message: error.message, taskId: taskIdOf(job.id, task.kind, task.index) };
  const end = ended(
    counted(job, task.kind, shifted({ failed: 1 })),
    "failed",
    failure,
    now,
    `the job has failed: ${error.code}`,
  );
  return { job: end.job, task: failed, effects: end.effects };
};

/** Of a failure's text, so much tells it from others, in UTF-16 units. */
const tellingText = 2000;

/** A failure without what is the task's or the attempt's own in it: ids and numbers. */
const likeness = (kind: TaskKind, { code, message }: AttemptError): string =>
  `${kind} ${code} ${message.slice(0, tellingText)}`.replaceAll(/[\da-f]{8}-[\da-f-]{27}|\d+/g, "#");

/** How the job stands after one more failure: which tasks have failed in the same way as this one, none having succeeded since. */
const likened = (job: JobRow, task: TaskRow, error: AttemptError): JobRow => {
  if (!isCounted(task.kind)) return job;
  const failure = likeness(task.kind, error);
  const tasks = job.alike?.failure === failure ? job.alike.tasks : [];
  return { ...job, alike: { failure, tasks: tasks.includes(task.index) ? tasks : [...tasks, task.index] } };
};

/** As many different tasks have failed alike as a task may have failures. A job that tolerates failed maps goes on with the others. */
const isHopeless = ({ alike, maxAttempts, maxFailedMapsPercent }: JobRow, { kind }: TaskRow): boolean =>
  alike !== null && alike.tasks.length >= maxAttempts && (kind !== "map" || maxFailedMapsPercent === 0);

/** An attempt has failed, by the task's own making. */
export const fail = (job: JobRow, task: TaskRow, attempt: AttemptRow, error: AttemptError, now: number): Transition => {
  const closed = close(job, task, attempt, "ended");
  if (!counts(attempt, task)) return closed;
  const taskId = taskIdOf(job.id, task.kind, task.index);
  const charged: TaskRow = {
    ...closed.task,
    failures: task.failures + 1,
    error: { code: error.code, message: error.message, taskId },
    lost: null,
  };
  const likenedJob = likened(closed.job, task, error);
  const { attempt: over } = closed;
  if (error.final || charged.failures >= job.maxAttempts) {
    const dispensable = isDispensable(likenedJob, charged);
    return {
      attempt: over,
      ...(dispensable ? doneWithout(likenedJob, charged, now) : givenUp(likenedJob, charged, error, now)),
    };
  }
  if (isHopeless(likenedJob, charged)) {
    const message = `${likenedJob.alike?.tasks.length} different tasks failed in the same way, and none succeeded: ${error.message}`;
    return { attempt: over, ...givenUp(likenedJob, charged, { code: error.code, message }, now) };
  }
  return { attempt: over, ...rescheduled(likenedJob, charged, now + backoff(charged.failures)), effects: [] };
};

/** What the task reads was lost. The loss is charged to the task that makes it, or else every reader would be charged for all. */
const lacksInput = (job: JobRow, task: TaskRow): boolean =>
  (task.kind === "reduce" && job.status === "mapping") ||
  (task.kind === "commit" && (job.status === "mapping" || job.status === "reducing"));

/** What a task says whose last attempt was lost, where nothing better is known. */
const attemptLost = "AttemptLost";

/** An attempt is over without a result and without the task's fault: the runner is gone, its lease is over, or it gave it back. */
export const lose = (job: JobRow, task: TaskRow, attempt: AttemptRow, reason: string, now: number): Transition => {
  // It may have begun an upload of which it could not tell.
  const closed = close({ ...job, touched: true }, task, attempt, "ended");
  if (!counts(attempt, task)) return closed;
  const charged: TaskRow = {
    ...closed.task,
    losses: task.losses + (lacksInput(job, task) ? 0 : 1),
    error: { code: attemptLost, message: reason, taskId: taskIdOf(job.id, task.kind, task.index) },
    lost: attempt.id,
  };
  if (charged.losses >= maxLosses) {
    const error = { code: "AttemptsLost", message: `lost ${charged.losses} times, last because ${reason}` };
    const dispensable = isDispensable(closed.job, charged);
    return {
      attempt: closed.attempt,
      ...(dispensable ? doneWithout(closed.job, charged, now) : givenUp(closed.job, charged, error, now)),
    };
  }
  return { attempt: closed.attempt, ...rescheduled(closed.job, charged, now), effects: [{ kind: "wake" }] };
};

/**
 * It is known only later why an attempt was lost: a runner gives its task back when it is told to end, and is not told why.
 * @returns undefined where that is not what the task tells of, any more
 */
export const explainLoss = (
  job: JobRow,
  task: TaskRow,
  attempt: string,
  reason: { readonly code?: string; readonly message: string },
): Transition | undefined => {
  if (task.lost !== attempt || task.error === null) return undefined;
  const { code = attemptLost, message } = reason;
  return { job, task: { ...task, error: { ...task.error, code, message } }, effects: [] };
};

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

/** Cleaning has taken too long or failed for good: the job is released as it is. */
export const abandonClean = (job: JobRow): { job: JobRow; effects: readonly Effect[] } => ({
  job: { ...job, clean: "abandoned", released: true },
  effects: [{ kind: "revoke", task: "all", reason: "the cleaning was given up" }, ...releasing],
});
