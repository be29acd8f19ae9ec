import { cleanText } from "./text.ts";

/** The counters of a program, within limits. */

/** Most counters a program may have, as Hadoop's `mapreduce.job.counters.max`. */
export const maxUserCounters = 120;
/** Most groups of them, as Hadoop's `mapreduce.job.counters.groups.max`. */
export const maxCounterGroups = 50;
/** Longer names are cut, as by Hadoop's `mapreduce.job.counters.group.name.max` and `….counter.name.max`; in UTF-16 units. */
export const maxGroupName = 128;
export const maxCounterName = 64;

/** The sum of two numbers, at most the largest safe integer and at least the smallest. */
export function boundedSum(a: number, b: number): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, a + b));
}

/** Counters by group and name. These may be anything, `__proto__` too. */
export class UserCounters {
  readonly #groups = new Map<string, Map<string, number>>();
  #size = 0;

  /**
   * Adds to a counter. Long names are truncated, as in Hadoop; sums stay within the safe integers.
   * @param amount a safe integer, possibly negative
   * @throws Error if the program exceeds the limits on counters and groups
   */
  add(group: string, name: string, amount: number): void {
    const groupName = cleanText(group, maxGroupName);
    const counterName = cleanText(name, maxCounterName);
    let counters = this.#groups.get(groupName);
    if (counters === undefined) {
      if (this.#groups.size === maxCounterGroups) throw new Error(`more than ${maxCounterGroups} groups of counters`);
      counters = new Map();
      this.#groups.set(groupName, counters);
    }
    const before = counters.get(counterName);
    if (before === undefined && ++this.#size > maxUserCounters) {
      throw new Error(
        `more than ${maxUserCounters} counters: a counter is for a number about the job, not for each key`,
      );
    }
    counters.set(counterName, boundedSum(before ?? 0, amount));
  }

  /** Returns the current values. */
  snapshot(): Record<string, Record<string, number>> {
    return Object.fromEntries([...this.#groups].map(([group, counters]) => [group, Object.fromEntries(counters)]));
  }
}
