/** How long the waits between tries are, in milliseconds. */
export type BackoffTimes = {
  /** The least. */
  readonly floorMs: number;
  /** The first wait is up to this much longer than the floor; that doubles with each further wait. */
  readonly stepMs: number;
  /** The most. */
  readonly capMs: number;
};

/**
 * The wait before retry number `retry` (from 0), in milliseconds: exponential with full jitter over a floor, so that
 * peers that failed together do not return together.
 * @param random in [0, 1)
 */
export const backoffMs = (
  retry: number,
  { floorMs, stepMs, capMs }: BackoffTimes,
  random: () => number = Math.random,
): number => floorMs + random() * Math.min(capMs - floorMs, stepMs * 2 ** Math.min(retry, 30));

/** The waits of something that is tried until it succeeds, and may fail again later. */
export class Backoff {
  readonly #times: BackoffTimes;
  readonly #random: () => number;
  #failures = 0;

  /** @param random in [0, 1) */
  constructor(times: BackoffTimes, random: () => number = Math.random) {
    this.#times = times;
    this.#random = random;
  }

  /** The wait after one more failure, in milliseconds. */
  next(): number {
    return backoffMs(this.#failures++, this.#times, this.#random);
  }

  /** Starts over with the shortest wait, after a success. */
  reset(): void {
    this.#failures = 0;
  }
}
