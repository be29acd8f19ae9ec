import { beginTry } from "../notification.ts";
import type { Timer } from "./timer.ts";

/** Tries to notify of the job's end, again and again. After the timers that can end it. */
export const notification: Timer = {
  due: ({ store }) => {
    const row = store.notification.get();
    return row?.sealed == null ? undefined : (row.due ?? undefined);
  },
  run: (session) => {
    beginTry(session);
    session.notify(session.sendNotification);
  },
};
