import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../helpers/random.ts";

/** How long a fault waits for a possible victim, in ms. */
const patienceMs = 3_000;

/** Picks one of the items that `list` returns, as soon as there are any; undefined if there are none in time. */
export const victimOf = async <T>(list: () => readonly T[], random: Random): Promise<T | undefined> => {
  for (const end = performance.now() + patienceMs; performance.now() < end; await sleep(50)) {
    const all = list();
    if (all.length > 0) return random.pick(all);
  }
  return undefined;
};
