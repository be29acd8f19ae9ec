import type { AttemptError } from "../protocol/tasks.ts";
import type { TaskKind } from "../status.ts";
import type { JobRow, TaskRow } from "./rows.ts";
import { stages } from "./stages.ts";

/** Length of a failure's text that tells it from others, in UTF-16 units. */
const comparedText = 2000;

/** The failure without ids and numbers, which differ between tasks and attempts. */
const patternOf = (kind: TaskKind, { code, message }: AttemptError): string =>
  `${kind} ${code} ${message.slice(0, comparedText)}`.replaceAll(/[\da-f]{8}-[\da-f-]{27}|\d+/g, "#");

/** Records which tasks have failed in the same way as this one, none having succeeded since. Chores are left out. */
export const recordAlike = (job: JobRow, task: TaskRow, error: AttemptError): JobRow => {
  if (stages[task.kind].counts === null) return job;
  const failure = patternOf(task.kind, error);
  const tasks = job.alike?.failure === failure ? job.alike.tasks.slice(0, job.maxAttempts) : [];
  const isKnown = tasks.includes(task.index) || tasks.length === job.maxAttempts;
  return { ...job, alike: { failure, tasks: isKnown ? tasks : [...tasks, task.index] } };
};

/** Whether as many different tasks have failed alike as a task may have failures. A job that tolerates failed maps goes on with the others. */
export const isHopeless = ({ alike, maxAttempts, maxFailedMapsPercent }: JobRow, { kind }: TaskRow): boolean =>
  alike !== null && alike.tasks.length >= maxAttempts && !(stages[kind].isTolerable && maxFailedMapsPercent > 0);
