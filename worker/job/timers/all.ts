import type { Condition } from "../../../shared/api/jobs.ts";
import { soonest } from "../../platform/alarm-clock.ts";
import type { Session } from "../session.ts";
import { cleaning } from "./cleaning.ts";
import { creation } from "./creation.ts";
import { holding } from "./holding.ts";
import { leases } from "./leases.ts";
import { limits } from "./limits.ts";
import { notification } from "./notification.ts";
import { progress } from "./progress.ts";
import { silence } from "./silence.ts";
import { stragglers } from "./stragglers.ts";
import type { Timer } from "./timer.ts";
import { wakes } from "./wakes.ts";

/** In the order in which they run where several are due. */
const timers = (absence?: Condition): readonly Timer[] => [
  leases,
  holding,
  cleaning,
  limits(absence),
  creation,
  wakes,
  stragglers,
  silence,
  notification,
  progress,
];

/** When the next of a job's timers is due, in ms since 1970. */
export const nextDue = (session: Session): number | undefined => soonest(timers().map((timer) => timer.due(session)));

/** Runs all timers that are due. @param absence that there is no agent, where this is known */
export const runTimers = (session: Session, absence: Condition | undefined): void => {
  for (const timer of timers(absence)) {
    const due = timer.due(session);
    if (due !== undefined && due <= session.now) timer.run(session);
  }
};
