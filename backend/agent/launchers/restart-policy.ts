/** In milliseconds. */
export type RestartTimes = {
  /** A runner that lives this long works. */
  readonly settleMs: number;
  /** The wait after the first runner that ends sooner; it doubles with each one more in a row. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
};

/** So many runners in a row that end at once are worth a report. */
const troublesome = 3;

/** When a job's runners may be started again after some have ended unbidden. Times are milliseconds of any monotonic clock. */
export class RestartPolicy {
  readonly #times: RestartTimes;
  #failures = 0;
  #lastFailure = -Infinity;
  #notBefore = -Infinity;

  constructor(times: RestartTimes) {
    this.#times = times;
  }

  /** When the job may start a runner again, where it may not now. */
  waitsUntil(now: number): number | undefined {
    return now < this.#notBefore ? this.#notBefore : undefined;
  }

  /** How many runners the job may start now: while its runners end at once, one at a time to try. */
  allowance(now: number): number {
    if (now < this.#notBefore) return 0;
    return this.#failures === 0 ? Infinity : 1;
  }

  /** A runner has lived long enough. */
  settled(): void {
    this.#failures = 0;
    this.#notBefore = -Infinity;
  }

  /**
   * A runner that was started at `startedAt` has ended unbidden. Several that were started together count once.
   * @returns whether the job's runners end at once again and again
   */
  ended(startedAt: number, now: number): boolean {
    if (now - startedAt >= this.#times.settleMs) return false;
    if (startedAt >= this.#lastFailure) {
      const wait = this.#times.firstWaitMs * 2 ** Math.min(this.#failures, 16);
      this.#notBefore = now + Math.min(this.#times.longestWaitMs, wait);
      this.#failures++;
      this.#lastFailure = now;
    }
    return this.#failures >= troublesome;
  }
}
