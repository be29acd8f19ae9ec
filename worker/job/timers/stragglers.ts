import { claimableKind, stragglerAge } from "../../../shared/engine/machine.ts";
import type { TaskKind } from "../../../shared/status.ts";
import type { Session } from "../session.ts";
import type { Timer } from "./timer.ts";

/** A task that may be given to a second runner from a time on, in ms since 1970. */
type Straggler = { readonly kind: TaskKind; readonly index: number; readonly due: number };

/** The next straggler of the phase: the task that its only attempt has been at for longest; undefined while none may be one. */
export const nextStraggler = ({ store, job, now }: Session): Straggler | undefined => {
  const age = stragglerAge(job);
  const kind = claimableKind(job);
  if (age === undefined || kind === undefined || store.creation.get() !== null) return undefined;
  // First come the tasks that nobody has begun.
  if (store.tasks.nextScheduled(kind, now) !== undefined) return undefined;
  const slowest = store.attempts.longestAlone(kind);
  return slowest && { kind, index: slowest.index, due: Math.ceil(slowest.since + age) };
};

/**
 * Tells one runner that waits for work of a straggler, and no other before that one has asked for it: until then the straggler
 * stays due. Whoever asks for work later is told at once.
 */
export const stragglers: Timer = {
  due: (session) => {
    const straggler = session.peers.hasIdle ? nextStraggler(session) : undefined;
    return straggler && Math.max(straggler.due, session.peers.mayWakeAt);
  },
  run: (session) => session.notify(() => session.peers.wake(1)),
};
