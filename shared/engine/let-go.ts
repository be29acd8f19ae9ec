import { announceRunners } from "./announce-runners.ts";
import type { Transition } from "./effects.ts";
import { cleaningEffects } from "./end.ts";
import { isHeld } from "./hold.ts";
import type { JobRow } from "./rows.ts";

/** Lets go of a held job: it is cleaned, as any other that has ended. @returns undefined where it is not held */
export const letGo = (job: JobRow, now: number): Transition | undefined => {
  if (!isHeld(job)) return undefined;
  return announceRunners({ job: { ...job, clean: "waiting", heldUntil: now }, effects: cleaningEffects(job.open) });
};
