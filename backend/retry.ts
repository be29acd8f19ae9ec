import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs, type BackoffTimes } from "../shared/backoff.ts";

/** Waits `ms` milliseconds, or throws the signal's reason as soon as it is aborted. */
export type Pause = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

/** Waits by the clock. */
export const pauseByClock: Pause = async (ms, signal) => {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
};

/** How often, how long and at which intervals something is tried that fails in one way. */
export type Patience = BackoffTimes & {
  /** Tries at most, the first included. */
  readonly tries: number;
  /** No further try begins when this many milliseconds have passed since the first failure. */
  readonly windowMs: number;
};

/** What a failure asks for before the next try. */
export type Retry = {
  readonly patience: Patience;
  /** The least wait, in milliseconds, where the peer named one. @default 0 */
  readonly atLeastMs?: number | undefined;
};

type Failures = { count: number; waitedMs: number; readonly since: number };

/** Counts the failures of one piece of work, and waits between its tries. Each patience has a count of its own. */
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
   * @param retry undefined for a failure that another try does not help
   * @throws `error` where there is to be no further try, or the signal's reason
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
    // Pauses of a test take no time, and count all the same.
    const passed = Math.max(now - failures.since, failures.waitedMs);
    if (failures.count >= patience.tries || passed > patience.windowMs) throw error;
    failures.waitedMs += wait;
    await this.#pause(wait, this.#signal);
  }

  /** The work got on: it has all its tries again. */
  reset(): void {
    this.#failures.clear();
  }
}

/**
 * Repeats `work` until it succeeds.
 * @param retryOf what something thrown asks for; undefined for what must not be tried again
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
