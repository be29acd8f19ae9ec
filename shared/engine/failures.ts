import type { AttemptError } from "../protocol/tasks.ts";
import { taskIdOf, type TaskKind } from "../status.ts";
import { close, counts, isCounted } from "./attempts.ts";
import { abandonClean, advanced, counted, ended, shifted } from "./phases.ts";
import { maxLosses, type AttemptRow, type Effect, type JobRow, type TaskRow, type Transition } from "./rows.ts";

/** Milliseconds before a task is tried again after its `failures`-th failure: 0.5 s, doubled each time, at most 30 s. */
const backoff = (failures: number): number => Math.min(30_000, 500 * 2 ** (failures - 1));

/** A task is to be tried again, now or later, unless another attempt of it is still at work. */
const rescheduled = (job: JobRow, task: TaskRow, notBefore: number): { job: JobRow; task: TaskRow } =>
  task.live > 0
    ? { job, task }
    : {
        job: counted(job, task.kind, shifted({ running: -1 })),
        task: { ...task, status: "scheduled", notBefore },
      };

/** Whether the job can do without one more of its maps: not once there are reduces, of which some may have read what it had made. */
const isDispensable = ({ created, failedMaps, maps, maxFailedMapsPercent }: JobRow, { kind }: TaskRow): boolean =>
  kind === "map" && !created.reduces && (failedMaps.length + 1) * 100 <= maxFailedMapsPercent * maps.total;

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
export const givenUp = (
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

/** Charges a task that is in progress, of which an attempt has just ended, with its failure. */
const charge = (job: JobRow, task: TaskRow, error: AttemptError, now: number): Omit<Transition, "attempt"> => {
  const taskId = taskIdOf(job.id, task.kind, task.index);
  const charged: TaskRow = {
    ...task,
    failures: task.failures + 1,
    error: { code: error.code, message: error.message, taskId },
  };
  const likenedJob = likened(job, task, error);
  if (error.final || charged.failures >= job.maxAttempts) {
    const dispensable = isDispensable(likenedJob, charged);
    return dispensable ? doneWithout(likenedJob, charged, now) : givenUp(likenedJob, charged, error, now);
  }
  if (isHopeless(likenedJob, charged)) {
    const message = `${likenedJob.alike?.tasks.length} different tasks failed in the same way, and none succeeded: ${error.message}`;
    return givenUp(likenedJob, charged, { code: error.code, message }, now);
  }
  return { ...rescheduled(likenedJob, charged, now + backoff(charged.failures)), effects: [] };
};

/** An attempt has failed, by the task's own making. */
export const fail = (job: JobRow, task: TaskRow, attempt: AttemptRow, error: AttemptError, now: number): Transition => {
  const closed = close(job, task, attempt, "ended");
  return counts(attempt, task) ? { attempt: closed.attempt, ...charge(closed.job, closed.task, error, now) } : closed;
};

/** What the task reads was lost. The loss is charged to the task that makes it, or else every reader would be charged for all. */
const lacksInput = (job: JobRow, task: TaskRow): boolean =>
  (task.kind === "reduce" && job.status === "mapping") ||
  (task.kind === "commit" && (job.status === "mapping" || job.status === "reducing"));

/** What a task says whose last attempt was lost, where nothing better is known. */
const attemptLost = "AttemptLost";

/**
 * How long a task waits to hear why its runner was ended, in ms: a pod has 20 s to end, and its end is known some seconds later.
 * Meanwhile it is not run again, as it may turn out to have failed for good.
 */
const verdictMs = 30_000;

/**
 * What is known of a loss. `known`: all. `silent`: the runner is gone, and its agent may say later why. `ending`: somebody has told
 * the runner to end, and its agent will say why, soon.
 */
export type Loss = "known" | "silent" | "ending";

/** An attempt is over without a result and without the task's fault: the runner is gone, its lease is over, or it gave it back. */
export const lose = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  reason: string,
  now: number,
  loss: Loss = "known",
): Transition => {
  // It may have begun an upload of which it could not tell.
  const closed = close({ ...job, touched: true }, task, attempt, "ended");
  if (!counts(attempt, task)) return closed;
  const charged: TaskRow = {
    ...closed.task,
    losses: task.losses + (lacksInput(job, task) ? 0 : 1),
    error: { code: attemptLost, message: reason, taskId: taskIdOf(job.id, task.kind, task.index) },
    lost: loss === "known" ? null : attempt.id,
  };
  if (charged.losses >= maxLosses) {
    const error = { code: "AttemptsLost", message: `lost ${charged.losses} times, last because ${reason}` };
    const dispensable = isDispensable(closed.job, charged);
    return {
      attempt: closed.attempt,
      ...(dispensable ? doneWithout(closed.job, charged, now) : givenUp(closed.job, charged, error, now)),
    };
  }
  const notBefore = loss === "ending" ? now + verdictMs : now;
  return { attempt: closed.attempt, ...rescheduled(closed.job, charged, notBefore), effects: [{ kind: "wake" }] };
};

/**
 * An attempt is over because a store was asked too often: the task is tried again after a pause, however often that happens,
 * as neither the task nor its runner is to blame.
 */
export const postpone = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  reason: string,
  pauseMs: number,
  now: number,
): Transition => {
  // It may have begun an upload of which it could not tell.
  const closed = close({ ...job, touched: true }, task, attempt, "ended");
  if (!counts(attempt, task)) return closed;
  const error = { code: "Throttled", message: reason, taskId: taskIdOf(job.id, task.kind, task.index) };
  const waiting: TaskRow = { ...closed.task, error, lost: null };
  return { attempt: closed.attempt, ...rescheduled(closed.job, waiting, now + pauseMs), effects: [] };
};

/**
 * It is known only later why an attempt was lost: a runner gives its task back when it is told to end, and is not told why. Where
 * that was the task's own making, the task is charged with it in place of the loss.
 * @returns undefined where the task does not wait for that, any more
 */
export const explainLoss = (
  job: JobRow,
  task: TaskRow,
  attempt: string,
  failure: { readonly code: string; readonly message: string } | null,
  reason: string,
  now: number,
): Transition | undefined => {
  if (task.lost !== attempt || task.error === null) return undefined;
  const explained: TaskRow = { ...task, lost: null };
  const isScheduled = task.status === "scheduled";
  if (failure !== null && (isScheduled || task.status === "in-progress")) {
    // Charging ends an attempt under way: one that waits to be run again is put back to where it was when it was lost.
    const before = isScheduled ? counted(job, task.kind, shifted({ running: 1 })) : job;
    return charge(before, { ...explained, losses: Math.max(0, task.losses - 1) }, { ...failure, final: false }, now);
  }
  // Another attempt may have failed since, and said more.
  if (task.error.code !== attemptLost) return { job, task: explained, effects: [] };
  const { code, message } = failure ?? { code: attemptLost, message: reason };
  return {
    job,
    task: { ...explained, error: { ...task.error, code, message }, notBefore: isScheduled ? now : task.notBefore },
    effects: isScheduled ? [{ kind: "wake" }] : [],
  };
};
