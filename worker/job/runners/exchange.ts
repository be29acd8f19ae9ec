import { fail, lose, type AttemptRow, type Loss, type TaskRow } from "../../../shared/engine/machine.ts";
import type { CountersSnapshot } from "../../../shared/counters.ts";
import type { RunnerAnswer, RunnerRequest } from "../../../shared/protocol/runner.ts";
import type { AttemptError } from "../../../shared/protocol/tasks.ts";
import type { Session } from "../session.ts";
import type { Peer } from "./peers.ts";

/** What the handlers of runners' requests have in common. Every request may come twice, late, or from a runner that was given up. */

export type Request<Kind extends RunnerRequest["kind"]> = Extract<RunnerRequest, { kind: Kind }>;

/** An answer without the `re`, which is the same for all. */
export type Reply = RunnerAnswer extends infer Answer
  ? Answer extends { re: number }
    ? Omit<Answer, "re">
    : never
  : never;

/** Who asks. */
export type Asking = { readonly socket: WebSocket; readonly peer: Peer };

export type Handler<Kind extends RunnerRequest["kind"]> = (
  session: Session,
  request: Request<Kind>,
  asking: Asking,
) => Reply | undefined;

export const done: Reply = { kind: "done" };

/** The attempt is no longer the runner's. */
export const fenced = (reason: string): Reply => ({ kind: "fenced", reason });

/** What a runner is told whose attempt is not its own any more. */
export const givenUp = "the attempt was given up";

type Found = { readonly attempt: AttemptRow; readonly task: TaskRow };

/** Whether the attempt may still act. */
export const isOpen = (found: Found | undefined): found is Found =>
  found !== undefined && (found.attempt.status === "live" || found.attempt.status === "revoked");

/** For what only a live attempt may ask. */
export const withLive = (
  { store }: Session,
  id: string,
  answer: (attempt: AttemptRow, task: TaskRow) => Reply,
): Reply => {
  const found = store.attemptWithTask(id);
  return found?.attempt.status === "live" ? answer(found.attempt, found.task) : fenced(givenUp);
};

/** For what ends an attempt. @returns a refusal when it is not open */
export const withOpen = (
  { store }: Session,
  id: string,
  end: (attempt: AttemptRow, task: TaskRow) => void,
): Reply | undefined => {
  const found = store.attemptWithTask(id);
  if (!isOpen(found)) return fenced(givenUp);
  end(found.attempt, found.task);
  return undefined;
};

/** The attempt is over without a result. What happened just before may have closed it already. */
export const loseAttempt = (session: Session, id: string, reason: string, loss: Loss = "known"): void => {
  withOpen(session, id, (attempt, task) => session.apply(lose(session.job, task, attempt, reason, session.now, loss)));
};

export const failAttempt = (
  session: Session,
  attempt: AttemptRow,
  task: TaskRow,
  error: AttemptError,
  counters?: CountersSnapshot,
): void => {
  session.apply(fail(session.job, task, attempt, error, session.now, counters));
};
