import { setTimeout as sleep } from "node:timers/promises";

/** What is known of a failed request: the store's or the system's code, and the status where there was an answer. */
export type Failure = { readonly code: string; readonly status?: number | undefined };

/** Waits `ms` milliseconds, or throws the signal's reason as soon as it is aborted. */
export type Pause = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

const transientStatuses = new Set([408, 429, 500, 502, 503, 504]);

const transientCodes = new Set([
  // S3's own, also under the statuses 200, 400 and 409
  "BadDigest",
  "InternalError",
  "OperationAborted",
  "RequestTimeout",
  "ServiceUnavailable",
  "SlowDown",
  "TooManyRequests",
  // STS's, and those of agents that give credentials to containers
  "IDPCommunicationError",
  "Throttling",
  "ThrottlingException",
  // an answer that broke off
  "TruncatedBody",
  // the network's; ENOTFOUND is missing since a mistyped host should be told at once
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "EPIPE",
  "ETIMEDOUT",
]);

/** Tries of one request, the first included. */
export const maxTries = 6;

/** No further try begins when this many milliseconds have passed since the first one began. */
const retryWindowMs = 30_000;

/** Whether the same request may succeed later. */
export const isTransient = ({ code, status }: Failure): boolean =>
  transientCodes.has(code) || (status !== undefined && transientStatuses.has(status));

/**
 * The milliseconds to wait after failed try number `tries` (from 1): full jitter, so that clients refused together do not
 * return together.
 *
 * @param random from 0 to below 1
 * @returns from 0 to 250, 500, 1000, … at most 8000
 */
export const backoffMs = (tries: number, random: number): number =>
  Math.floor(random * Math.min(8000, 250 * 2 ** (tries - 1)));

/** Waits by the clock. */
export const pauseByClock: Pause = async (ms, signal) => {
  await sleep(ms, undefined, { signal });
};

/**
 * Repeats `work` while its failures are transient.
 *
 * @param failureOf what is known of something thrown; undefined for what must not be retried
 * @throws what the last try threw, or the signal's reason
 */
export const withRetries = async <T>(
  work: () => Promise<T>,
  failureOf: (error: unknown) => Failure | undefined,
  pause: Pause,
  signal: AbortSignal | undefined,
): Promise<T> => {
  const began = performance.now();
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      const failure = failureOf(error);
      const over = tries >= maxTries || performance.now() - began > retryWindowMs;
      if (over || failure === undefined || !isTransient(failure)) throw error;
      await pause(backoffMs(tries, Math.random()), signal);
    }
  }
};
