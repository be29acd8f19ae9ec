import { cleanText } from "../../shared/text.ts";
import {
  boundedSum,
  type BuiltinCounter,
  type CountersSnapshot,
  maxCounterGroups,
  maxCounterName,
  maxGroupName,
  maxUserCounters,
} from "../../shared/counters.ts";

/** The counters of one running attempt. */
export class Counters {
  readonly #builtin = new Map<BuiltinCounter, number>();
  readonly #user = new Map<string, Map<string, number>>();
  #userCounters = 0;

  /** Adds to one of the runner's own counters. */
  count(name: BuiltinCounter, amount: number): void {
    this.#builtin.set(name, (this.#builtin.get(name) ?? 0) + amount);
  }

  /**
   * Adds to a counter of the program. Long names are truncated, as in Hadoop; sums stay within the safe integers.
   * @param amount a safe integer, possibly negative
   * @throws Error if the program exceeds the limits on counters and groups in `shared/counters.ts`
   */
  add(group: string, name: string, amount: number): void {
    const groupName = cleanText(group, maxGroupName);
    const counterName = cleanText(name, maxCounterName);
    let counters = this.#user.get(groupName);
    if (counters === undefined) {
      if (this.#user.size === maxCounterGroups) throw new Error(`more than ${maxCounterGroups} groups of counters`);
      counters = new Map();
      this.#user.set(groupName, counters);
    }
    const before = counters.get(counterName);
    if (before === undefined && ++this.#userCounters > maxUserCounters) {
      throw new Error(
        `more than ${maxUserCounters} counters: a counter is for a number about the job, not for each key`,
      );
    }
    counters.set(counterName, boundedSum(before ?? 0, amount));
  }

  /** Returns the current values. */
  snapshot(): CountersSnapshot {
    const user = [...this.#user].map(([group, counters]) => [group, Object.fromEntries(counters)] as const);
    return { builtin: Object.fromEntries(this.#builtin), user: Object.fromEntries(user) };
  }
}
