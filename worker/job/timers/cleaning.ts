import { abandonClean } from "../../../shared/engine/machine.ts";
import type { Session } from "../session.ts";
import type { Timer } from "./timer.ts";

/** How long cleaning may take after the job's end, in ms. Then the credentials are erased all the same. */
const cleanLimit = 60 * 60 * 1000;

const due = ({ job }: Session): number | undefined =>
  job.clean === "waiting" && job.endedAt !== null ? job.endedAt + cleanLimit : undefined;

/** Gives up a cleaning that takes too long. */
export const cleaning: Timer = {
  due,
  run: (session) => {
    if ((due(session) ?? Number.POSITIVE_INFINITY) <= session.now) session.apply(abandonClean(session.job));
  },
};
