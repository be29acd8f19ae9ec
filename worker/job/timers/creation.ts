import { isEnded } from "../../../shared/status.ts";
import { createMaps } from "../creation.ts";
import type { Timer } from "./timer.ts";

/** Creates the rest of the maps, page by page. */
export const creation: Timer = {
  due: ({ store, job, now }) => (isEnded(job.status) || store.creation.get() === null ? undefined : now),
  run: (session) => {
    const maps = createMaps(session.store, session.now);
    if (maps > 0) session.notify(() => session.peers.wake(maps));
  },
};
