import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs, type BackoffTimes } from "../shared/backoff.ts";

/** Waits `ms` milliseconds. Throws the signal's reason as soon as the signal aborts. */
export type Pause = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

/** Waits in real time. */
export const pauseByClock: Pause = async (ms, signal) => {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
};

/** How often, for how long and at which intervals to retry one kind of failure. */
export type Patience = BackoffTimes & {
  /** The maximum number of tries, including the first. */
  readonly tries: number;
  /** No further try starts once this many milliseconds have passed since the first failure. */
  readonly windowMs: number;
};

/** How to retry after a failure. */
export type Retry = {
  readonly patience: Patience;
  /** The minimum wait, in milliseconds, if the peer requested one. @default 0 */
  readonly atLeastMs?: number | undefined;
};

type Failures = { count: number; waitedMs: number; readonly since: number };

/** Counts the failures of one operation and waits between its tries. Each `Patience` has its own count. */
export class Retries {
  readonly #pause: Pause;
  readonly #signal: AbortSignal | undefined;
  readonly #failures = new Map<Patience, Failures>();

  constructor(pause: Pause, signal: AbortSignal | undefined) {
    this.#pause = pause;
    this.#signal = signal;
  }

  /**
   * Waits until it is time for the next try.
   * @param retry undefined for a failure that a retry cannot fix
   * @throws `error` if there must be no further try, or the signal's reason
   */
  async after(error: unknown, retry: Retry | undefined): Promise<void> {
    this.#signal?.throwIfAborted();
    if (retry === undefined) throw error;
    const { patience, atLeastMs = 0 } = retry;
    const now = performance.now();
    const failures = this.#failures.get(patience) ?? { count: 0, waitedMs: 0, since: now };
    this.#failures.set(patience, failures);
    const wait = Math.max(atLeastMs, backoffMs(failures.count, patience));
    failures.count += 1;
    // Pauses in tests take no time but still count.
    const passed = Math.max(now - failures.since, failures.waitedMs);
    if (failures.count >= patience.tries || passed > patience.windowMs) throw error;
    failures.waitedMs += wait;
    await this.#pause(wait, this.#signal);
  }

  /** Restores all tries, because the operation made progress. */
  reset(): void {
    this.#failures.clear();
  }
}

/**
 * Repeats `work` until it succeeds.
 * @param retryOf returns how to retry after a thrown error, or undefined if it must not be retried
 * @throws what the last try threw, or the signal's reason
 */
export const retrying = async <T>(
  work: () => Promise<T>,
  retryOf: (error: unknown) => Retry | undefined,
  pause: Pause,
  signal: AbortSignal | undefined,
): Promise<T> => {
  const retries = new Retries(pause, signal);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      await retries.after(error, retryOf(error));
    }
  }
};
