/** How far ahead an alarm is set at most, in ms. The platform takes none beyond 30 days; waking early does nothing. */
const horizon = 24 * 60 * 60 * 1000;

/** An alarm that is so late, in ms, counts as lost: the platform has been seen to forget some. */
const lateness = 60_000;

/** Milliseconds before another try after the alarm's own work has failed. */
const retryMs = 30_000;

/** The first of some times, of which some may not come at all; undefined where none does. */
export const soonest = (times: readonly (number | undefined)[]): number | undefined => {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};

/**
 * The one alarm of an object, set for the earliest of all that is due. The object arms it after every event, so that one
 * that was lost is set again by the next event.
 */
export class AlarmClock {
  readonly #storage: DurableObjectStorage;
  readonly #nextDue: (now: number) => number | undefined;
  /** When the alarm is set for, as far as this instance knows. */
  #armed = Number.POSITIVE_INFINITY;

  /** @param nextDue when the object has to be woken next, in ms since 1970; undefined when nothing waits for a time */
  constructor(storage: DurableObjectStorage, nextDue: (now: number) => number | undefined) {
    this.#storage = storage;
    this.#nextDue = nextDue;
  }

  /** Sets the alarm where something is due before it. */
  arm(now: number): void {
    if (this.#armed < now - lateness) this.forget();
    const next = this.#nextDue(now);
    // What is overdue may have any time, and the platform takes none that is not above 0.
    const time = next === undefined ? Number.POSITIVE_INFINITY : Math.max(now, Math.min(next, now + horizon));
    if (time < this.#armed) this.#set(time);
  }

  /** Forgets what it was set for: the transaction that set it was undone. */
  forget(): void {
    this.#armed = Number.POSITIVE_INFINITY;
  }

  /**
   * Does what the alarm is for, and sets the next one. Never throws: an alarm that throws is given up by the platform after a
   * few tries, so that this one is set again instead.
   */
  async ring(work: (now: number) => void | Promise<void>): Promise<void> {
    this.forget();
    try {
      await work(Date.now());
      this.arm(Date.now());
    } catch (error) {
      console.error("the alarm's work failed; it is tried again", error);
      this.#set(Date.now() + retryMs);
    }
  }

  #set(time: number): void {
    this.#armed = time;
    this.#storage.setAlarm(time).catch((error: unknown) => {
      console.error("the alarm could not be set; the next event sets it", error);
      this.forget();
    });
  }
}
