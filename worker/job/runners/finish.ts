import {
  complete as completeTask,
  isCurrent,
  loseOutput,
  postpone,
  stages,
  taskIdOf,
  type AttemptRow,
  type JobRow,
  type TaskRow,
} from "../../../shared/engine/machine.ts";
import type { Result } from "../../../shared/protocol/tasks.ts";
import { withStatus, type Session } from "../session.ts";
import { answerNext } from "./claim.ts";
import { finishCommit } from "./commit.ts";
import {
  done,
  failAttempt,
  fenced,
  givenUp,
  isOpen,
  loseAttempt,
  withOpen,
  type Handler,
  type Request,
} from "./exchange.ts";
import { finishPlan } from "./plan.ts";

/** An attempt has done its task. */
export const complete: Handler<"complete"> = (session, request, asking) => {
  const found = session.store.attemptWithTask(request.attempt);
  // A repetition of what was accepted before: the answer was lost, so it gets the same one.
  if (found?.attempt.status === "won") return answerNext(session, asking);
  if (!isOpen(found)) return fenced(givenUp);
  accept(session, request, found.attempt, found.task);
  session.peers.noteOutcome(asking.socket, null);
  return answerNext(session, asking, found.task);
};

/** An attempt has failed, by its task's own making. */
export const fail: Handler<"fail"> = (session, { attempt: id, error, status, counters }, asking) =>
  withOpen(session, id, (attempt, task) => {
    failAttempt(session, attempt, withStatus(task, attempt, status), error, counters);
    session.peers.noteOutcome(asking.socket, `${task.kind} ${task.index}`);
  }) ?? answerNext(session, asking);

/** A reduce could not read a map's output. */
export const loseShuffle: Handler<"shuffle-lost"> = (session, { attempt: id, map, mapAttempt, message }, asking) =>
  withOpen(session, id, (attempt, task) => {
    const { store, now } = session;
    const mapped = store.attempts.get(mapAttempt);
    if (mapped !== undefined && isCurrent(attempt, task)) {
      const again = loseOutput(session.job, store.tasks.get("map", map), mapped, message, now);
      if (again !== undefined) {
        session.apply(again);
        store.segments.remove(map, session.job.nReducers);
      }
    }
    const output = taskIdOf(session.job.id, "map", map);
    loseAttempt(session, id, `the output of ${output} could not be read: ${message}`);
  }) ?? answerNext(session, asking);

/** A runner gives an attempt back, unfinished. */
export const release: Handler<"release"> = (session, { attempt: id, reason, ending = false, pauseSeconds }) =>
  withOpen(session, id, (attempt, task) => {
    if (pauseSeconds === undefined) loseAttempt(session, id, reason, ending ? "ending" : "known");
    else session.apply(postpone(session.job, task, attempt, reason, pauseSeconds * 1000, session.now));
  }) ?? done;

/** Stores a result, where the attempt is still its task's and the result can be. */
const accept = (session: Session, request: Request<"complete">, attempt: AttemptRow, task: TaskRow): void => {
  const { result, counters, status } = request;
  if (!isCurrent(attempt, task)) {
    loseAttempt(session, attempt.id, "another attempt was first");
    return;
  }
  const misfit = findMisfit(session.job, task, result);
  if (misfit !== undefined) {
    failAttempt(session, attempt, task, { code: "InvalidResult", message: misfit, final: false });
    return;
  }
  const maps = store(session, result, attempt, task);
  if (maps === undefined) return;
  const completed = completeTask(session.job, withStatus(task, attempt, status), attempt, counters, session.now, maps);
  if (completed !== undefined) session.apply(completed);
};

/** @returns into how many maps a plan cuts the input, 0 for other tasks; undefined where the attempt is over without success */
const store = (session: Session, result: Result, attempt: AttemptRow, task: TaskRow): number | undefined => {
  const { tasks, segments, uploads } = session.store;
  switch (result.kind) {
    case "plan": {
      const maps = finishPlan(session, attempt.id);
      if (typeof maps === "number") return maps;
      failAttempt(session, attempt, task, { code: "TooManyTasks", message: maps, final: true });
      return undefined;
    }
    case "map":
      segments.save(task.index, attempt.id, result.shuffle);
      // The shuffle object is complete: nothing is left to abort.
      uploads.removeOf(attempt.id);
      return 0;
    case "output":
      tasks.setOutput(task.kind, task.index, result.output);
      return 0;
    case "done":
      if (task.kind === "commit" && !finishCommit(session, task.index, result.lost)) {
        loseAttempt(session, attempt.id, "uploads were lost before their commit");
        return undefined;
      }
      if (task.kind === "clean" && uploads.hasOthers(attempt.id)) {
        loseAttempt(session, attempt.id, "a runner that was away has told of an upload meanwhile");
        return undefined;
      }
      return 0;
  }
};

/** Why a result cannot be this task's; undefined when it can. */
const findMisfit = (job: JobRow, { kind, index }: TaskRow, result: Result): string | undefined => {
  const expected = stages[kind].result(job);
  if (result.kind !== expected) {
    return `${taskIdOf(job.id, kind, index)} ended with '${result.kind}', not '${expected}'`;
  }
  if (result.kind === "map" && result.shuffle.lengths.length !== job.nReducers) {
    return `the map output has ${result.shuffle.lengths.length} segments, not ${job.nReducers}`;
  }
  return undefined;
};
