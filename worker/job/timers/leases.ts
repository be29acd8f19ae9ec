import { lose } from "../../../shared/engine/machine.ts";
import type { Timer } from "./timer.ts";

/** Ends the attempts whose runner has given no sign of life for a lease, and prolongs the others. */
export const leases: Timer = {
  due: ({ store }) => {
    const next = store.attempts.nextLeaseEnd();
    return Number.isFinite(next) ? next : undefined;
  },
  run: (session) => {
    const { store, peers, leaseMs, now } = session;
    for (const { attempt, isLinked } of store.attempts.overdue(now)) {
      const contact = peers.lastContact(attempt.runnerId);
      if (contact !== undefined && contact + leaseMs > now) {
        store.attempts.setLease(attempt.id, contact + leaseMs, true);
      } else if (contact === undefined && isLinked) {
        // Its connection went down together with this object, so nobody has seen when; that is no reason to give up on it.
        store.attempts.setLease(attempt.id, now + leaseMs, false);
      } else {
        const task = store.tasks.get(attempt.kind, attempt.index);
        const reason = `its runner gave no sign of life for ${leaseMs / 1000} s`;
        session.apply(lose(session.job, task, attempt, reason, now, "silent"));
      }
    }
  },
};
