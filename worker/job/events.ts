import type { JournalEvent } from "../../shared/api/events.ts";
import {
  stages,
  taskIdOf,
  type AttemptRow,
  type JobRow,
  type TaskRow,
  type Transition,
} from "../../shared/engine/machine.ts";
import type { TaskKind } from "../../shared/status.ts";
import type { NewEvent } from "./tables/journal.ts";

/** What is told of a job's tasks. */

type TaskEvent = Extract<JournalEvent, { kind: "task" }>;

/** Most maps and reduces, together, of a job that each start and success of one is told of. */
const mostTold = 1000;

/** Most UTF-16 units of a message; all of it is with the attempt, or with the job's conditions. */
const longestMessage = 2000;

export const shorten = (message: string): string => message.slice(0, longestMessage);

/** Whether what goes well is told, too. It is not of the job's own chores. */
const isToldAll = ({ maps, reduces }: JobRow, { kind }: TaskRow): boolean =>
  stages[kind].counts !== null && maps.total + reduces.total <= mostTold;

/** What users call the kinds of tasks. */
const types: Readonly<Record<TaskKind, TaskEvent["type"]>> = {
  plan: "plan",
  map: "mapper",
  reduce: "reducer",
  commit: "commit",
  success: "success",
  clean: "clean",
};

/** The number of an attempt, from its id. */
const numberOf = ({ id }: AttemptRow): number => Number(id.slice(id.lastIndexOf("-") + 1));

const taskEvent = (
  job: JobRow,
  task: TaskRow,
  attempt: AttemptRow,
  rest: Pick<TaskEvent, "change" | "speculative" | "error">,
): NewEvent => ({
  kind: "task",
  task: taskIdOf(job.id, task.kind, task.index),
  type: types[task.kind],
  status: task.status,
  attempt: numberOf(attempt),
  runner: attempt.runnerId,
  ...rest,
});

/** An attempt was given to a runner. @returns undefined where that is not told */
export const startOf = (job: JobRow, task: TaskRow, attempt: AttemptRow): NewEvent | undefined =>
  numberOf(attempt) > 1 || isToldAll(job, task)
    ? taskEvent(job, task, attempt, { change: "started", speculative: task.live > 1, error: null })
    : undefined;

/** A transition has ended an attempt, or told more of its end. @returns undefined where it has not, or that is not told */
export const endOf = ({ job, task, attempt }: Transition): NewEvent | undefined => {
  const end = attempt?.end;
  if (task === undefined || attempt === undefined || end === null || end === undefined) return undefined;
  const { outcome, error } = end;
  // That the job was stopped says it all.
  if (outcome === "stopped" || (outcome === "won" && !isToldAll(job, task))) return undefined;
  const told = error && { code: error.code, message: shorten(error.message) };
  return taskEvent(job, task, attempt, { change: outcome, speculative: task.live > 0, error: told });
};
