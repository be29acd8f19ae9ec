import {
  assign,
  claimableKind,
  isWithoutWork,
  taskIdOf,
  type AttemptRow,
  type TaskRow,
} from "../../../shared/engine/machine.ts";
import { closeCodes } from "../../../shared/protocol/connection.ts";
import type { Next } from "../../../shared/protocol/runner.ts";
import type { Assignment } from "../../../shared/protocol/tasks.ts";
import { isEnded } from "../../../shared/status.ts";
import { startOf } from "../events.ts";
import type { Session } from "../session.ts";
import { nextStraggler } from "../timers/stragglers.ts";
import { outputsOf } from "./commit.ts";
import { loseAttempt, type Asking, type Handler, type Reply } from "./exchange.ts";
import { nextInput, nextNeighbour, tasksAhead } from "./neighbours.ts";
import type { Peer } from "./peers.ts";

/** Different tasks that a runner may fail without completing any in between. With so many it is more likely its own fault than theirs. */
const mostFailures = 3;

export const claim: Handler<"claim"> = (session, _request, asking) => answerNext(session, asking);

/**
 * What the runner does next: the attempt that it has open, or else a new one. A runner that cannot do its work is sent away.
 * @param done the task that it has just done
 */
export const answerNext = (session: Session, { socket, peer }: Asking, done?: TaskRow): Reply | undefined => {
  const { peers, now } = session;
  const failed = peers.peer(socket)?.failed ?? [];
  if (failed.length >= mostFailures && !isEnded(session.job.status)) {
    session.notify(() =>
      socket.close(closeCodes.retired, `it has failed ${failed.length} different tasks and completed none since`),
    );
    return undefined;
  }
  const next = findNext(session, peer, done);
  session.notify(() => peers.setIdle(socket, next.next === "idle"));
  const token = session.tokens.next(peer.renewed, now);
  if (token !== undefined) session.notify(() => peers.setRenewed(socket, now));
  return { kind: "next", next, session: token };
};

/**
 * A runner that is at another attempt, or asks for one, has ended those that were revoked, though it may not have said so.
 * @param name of the runner
 * @returns those of its attempts that are still open
 */
export const loseRevoked = (session: Session, name: string, at: string | null): AttemptRow[] => {
  const isOver = ({ id, status }: AttemptRow): boolean => status === "revoked" && id !== at;
  const open = session.store.attempts.openOf(name);
  for (const attempt of open) if (isOver(attempt)) loseAttempt(session, attempt.id, "it was revoked");
  return open.filter((attempt) => !isOver(attempt));
};

const findNext = (session: Session, { name, podName }: Peer, done: TaskRow | undefined): Next => {
  const { store, now } = session;
  const [live] = loseRevoked(session, name, null);
  if (live !== undefined) return { next: "task", task: assignmentOf(session, live) };
  if (isWithoutWork(session.job)) return { next: "stop", reason: "the job has ended" };
  const task = findTask(session, done);
  if (task === undefined) return { next: "idle" };
  const assigned = assign(session.job, task, { id: name, podName }, now);
  store.attempts.add(assigned.attempt, now + session.leaseMs);
  session.apply({ ...assigned, attempt: undefined });
  const start = startOf(assigned.job, assigned.task, assigned.attempt);
  if (start !== undefined) session.record(start);
  return { next: "task", task: assignmentOf(session, assigned.attempt) };
};

/** A task that may be claimed, or one that takes so long that it is given to a second runner. */
const findTask = (session: Session, done: TaskRow | undefined): TaskRow | undefined => {
  const { store, job, now } = session;
  const kind = claimableKind(job);
  if (kind === undefined) return undefined;
  const isOfPrograms = kind === "map" || kind === "reduce";
  const scheduled = isOfPrograms ? nextNeighbour(session, kind, done) : store.tasks.nextScheduled(kind, now);
  if (scheduled !== undefined) return scheduled;
  const straggler = nextStraggler(session);
  return straggler !== undefined && straggler.due <= now ? store.tasks.get(straggler.kind, straggler.index) : undefined;
};

const assignmentOf = (session: Session, { id, kind, index }: AttemptRow): Assignment => {
  const { store, job } = session;
  const common = { taskId: taskIdOf(job.id, kind, index), attempt: id, index };
  switch (kind) {
    case "map":
      return { kind, ...common, input: store.tasks.input(index), next: nextInput(session, index) };
    case "commit":
      return { kind, ...common, outputs: outputsOf(store, job, index) };
    case "clean":
      return { kind, ...common, removeOutputs: job.status !== "completed" };
    case "reduce":
      return { kind, ...common, ahead: tasksAhead(session, kind, index) };
    case "plan":
    case "success":
      return { kind, ...common };
  }
};
