import type { Timer } from "./timer.ts";

/** Tells those who watch the job how far it has come, also when nothing happens any more. Any event does so where it is due. */
export const progress: Timer = {
  due: (session) => (session.watchers.has("events") ? session.progressDue : undefined),
  run: () => undefined,
};
