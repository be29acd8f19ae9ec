import { abandonClean } from "../../../shared/engine/machine.ts";
import type { Timer } from "./timer.ts";

/** How long cleaning may take after the job's end, or after it was let go of, in ms. Then the credentials are erased all the same. */
const cleanLimit = 60 * 60 * 1000;

/** Gives up a cleaning that takes too long. */
export const cleaning: Timer = {
  due: ({ job: { clean, heldUntil, endedAt } }) => {
    const since = heldUntil ?? endedAt;
    return clean === "waiting" && since !== null ? since + cleanLimit : undefined;
  },
  run: (session) => session.apply(abandonClean(session.job)),
};
