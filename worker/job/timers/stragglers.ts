import { claimableKind, stragglerAge, type JobRow } from "../../../shared/engine/machine.ts";
import type { TaskKind } from "../../../shared/status.ts";
import type { JobStore } from "../store.ts";

/** A task that may be given to a second runner from a time on, in ms. */
type Straggler = { readonly kind: TaskKind; readonly index: number; readonly due: number };

/** The next straggler of the phase: the task that its only attempt has been at for longest; undefined while none may be one. */
export const nextStraggler = (store: JobStore, job: JobRow): Straggler | undefined => {
  const age = stragglerAge(job);
  const kind = claimableKind(job);
  if (age === undefined || kind === undefined) return undefined;
  const slowest = store.longestAlone(kind);
  return slowest && { kind, index: slowest.index, due: Math.ceil(slowest.since + age) };
};
