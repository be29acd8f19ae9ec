import { isHeld } from "../../shared/engine/machine.ts";
import type { Session } from "./session.ts";

/** How the notification of a job's end gets on: what is noted of each try. */

/** The condition of a job of whose end nobody could be notified. */
export const notificationFailed = "NotificationFailed";

/** How long one try may take, in ms. */
export const tryMs = 10_000;

/** When a try that was begun is over in any case, in ms: its object has died where nothing was noted of it by then. */
const patience = 2 * tryMs;

/** How long it is tried after the job's end, in ms. */
const trialMs = 24 * 60 * 60 * 1000;

/** Delays after failed tries, in ms: two seconds, doubled each time, at most an hour; each by up to a quarter less. */
const delayAfter = (attempts: number): number =>
  Math.min(60 * 60 * 1000, 2000 * 2 ** (attempts - 1)) * (1 - Math.random() / 4);

/** Why a try failed. */
export type TryFailure = {
  /** Ends a sentence, and repeats nothing of the URL. */
  readonly reason: string;
  /** Whether another try makes no sense. */
  readonly final: boolean;
};

/** Notes a try before it is made: one that comes to nothing, as the object dies, is repeated. */
export const beginTry = ({ store: { notification }, now }: Session): void => {
  const row = notification.get();
  if (row !== null) notification.set({ ...row, due: now + patience, attempts: row.attempts + 1 });
};

/** Notes what came of the try that was begun last. @param failure undefined where the receiver took it */
export const endTry = (session: Session, failure: TryFailure | undefined): void => {
  const { store, job, now } = session;
  const row = store.notification.get();
  if (row === null) return;
  // A job that is held may be resumed, and have another end.
  const sealed = isHeld(job) ? row.sealed : null;
  if (failure === undefined) {
    store.notification.set({ ...row, sealed, status: "delivered", due: null, error: null });
    return;
  }
  const { reason: error, final } = failure;
  const due = now + Math.round(delayAfter(row.attempts));
  if (!final && due < (job.endedAt ?? now) + trialMs) {
    store.notification.set({ ...row, due, error });
    return;
  }
  store.notification.set({ ...row, sealed, status: "given-up", due: null, error });
  session.setCondition(notificationFailed, `Nobody could be notified of the job's end: ${error}.`, false);
  session.publish();
};
