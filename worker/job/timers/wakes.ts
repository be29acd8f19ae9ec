import { claimableKind, runnersWanted } from "../../../shared/engine/machine.ts";
import type { Timer } from "./timer.ts";

/** Tells the runners that wait for work of tasks whose pause after a failure is over, and of those that nobody has claimed. */
export const wakes: Timer = {
  due: ({ store, peers, job, now }) => {
    const kind = claimableKind(job);
    // Whoever asks is given what can be claimed then.
    if (kind === undefined || !peers.hasIdle) return undefined;
    if (store.tasks.nextScheduled(kind, now) !== undefined) return peers.mayWakeAt;
    return store.tasks.nextDue(kind, now);
  },
  run: (session) => {
    const { job } = session;
    session.notify(() => session.peers.wake(Math.max(1, runnersWanted(job) - job.open)));
  },
};
