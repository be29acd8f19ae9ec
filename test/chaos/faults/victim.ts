import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../helpers/random.ts";

/** How long a fault waits for somebody whom it can hit, in ms. */
const patienceMs = 3_000;

/** One of those that `list` finds, as soon as it finds any; undefined where it finds nobody. */
export const victimOf = async <T>(list: () => readonly T[], random: Random): Promise<T | undefined> => {
  for (const end = performance.now() + patienceMs; performance.now() < end; await sleep(50)) {
    const all = list();
    if (all.length > 0) return random.pick(all);
  }
  return undefined;
};
