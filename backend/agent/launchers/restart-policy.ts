/** In milliseconds. */
export type RestartTimes = {
  /** A runner that lives this long counts as working. */
  readonly settleMs: number;
  /** The wait after the first runner that ends sooner. It doubles with each further one in a row. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
};

/** How many runners in a row must end early before it is reported. */
const troublesome = 3;

/** Decides when to restart a job's runners after unexpected ends. Times are in milliseconds of any monotonic clock. */
export class RestartPolicy {
  readonly #times: RestartTimes;
  #failures = 0;
  #lastFailure = -Infinity;
  #notBefore = -Infinity;

  constructor(times: RestartTimes) {
    this.#times = times;
  }

  /** When the job may start a runner again; undefined if it may now. */
  waitsUntil(now: number): number | undefined {
    return now < this.#notBefore ? this.#notBefore : undefined;
  }

  /** How many runners the job may start now. While its runners end early, only one at a time, as a trial. */
  allowance(now: number): number {
    if (now < this.#notBefore) return 0;
    return this.#failures === 0 ? Infinity : 1;
  }

  /** Records that a runner has lived long enough. */
  settled(): void {
    this.#failures = 0;
    this.#notBefore = -Infinity;
  }

  /**
   * Records that a runner that was started at `startedAt` ended unexpectedly. Several that were started together count once.
   * @returns whether the job's runners end early repeatedly
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
