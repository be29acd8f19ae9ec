import { claimableKind, runnersWanted } from "../../../shared/engine/machine.ts";
import type { Session } from "../session.ts";
import type { Timer } from "./timer.ts";

/** When a runner that waits for work is to be told of a scheduled task, in ms since 1970. */
const due = ({ store, peers, job, now }: Session): number | undefined => {
  const kind = claimableKind(job);
  // Whoever asks is given what can be claimed then.
  if (kind === undefined || !peers.hasIdle) return undefined;
  if (store.tasks.nextScheduled(kind, now) !== undefined) return peers.mayWakeAt;
  return store.tasks.nextDue(kind, now);
};

/** Tells the runners that wait for work of tasks whose pause after a failure is over, and of those that nobody has claimed. */
export const wakes: Timer = {
  due,
  run: (session) => {
    if ((due(session) ?? Number.POSITIVE_INFINITY) > session.now) return;
    const { job } = session;
    session.notify(() => session.peers.wake(Math.max(1, runnersWanted(job) - job.open)));
  },
};
