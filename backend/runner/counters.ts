import type { BuiltinCounter, CountersSnapshot } from "../../shared/counters.ts";
import { UserCounters } from "../../shared/user-counters.ts";

/** The counters of one running attempt. */
export class Counters {
  readonly #builtin = new Map<BuiltinCounter, number>();
  readonly #user = new UserCounters();

  /** Adds to one of the runner's own counters. */
  count(name: BuiltinCounter, amount: number): void {
    this.#builtin.set(name, (this.#builtin.get(name) ?? 0) + amount);
  }

  /** Adds to a counter of the program, see `UserCounters`. */
  add(group: string, name: string, amount: number): void {
    this.#user.add(group, name, amount);
  }

  /** Returns the current values. */
  snapshot(): CountersSnapshot {
    return { builtin: Object.fromEntries(this.#builtin), user: this.#user.snapshot() };
  }
}
