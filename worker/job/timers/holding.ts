import { isHeld, letGo } from "../../../shared/engine/machine.ts";
import type { Timer } from "./timer.ts";

/** Lets go of a job that was held for as long as its request asks for. */
export const holding: Timer = {
  due: ({ job }) => (isHeld(job) ? (job.heldUntil ?? undefined) : undefined),
  run: (session) => {
    const cleaned = letGo(session.job, session.now);
    if (cleaned !== undefined) session.apply(cleaned);
  },
};
