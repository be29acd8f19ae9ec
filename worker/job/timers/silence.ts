import type { Timer } from "./timer.ts";

/** Closes the sockets that never say hello. */
export const silence: Timer = {
  due: ({ peers }) => peers.nextSilent(),
  run: ({ peers, now }) => peers.closeSilent(now),
};
