import type { Patience, Retry } from "../retry.ts";
import { failureClass, isTransient } from "./failure-class.ts";
import type { StorageError } from "./store.ts";

/** For a store that might not exist at all. */
const withStrangers: Patience = { tries: 6, windowMs: 30_000, floorMs: 0, stepMs: 250, capMs: 8_000 };

/** For a store that has worked before: about half a minute, with full jitter. */
const withOutages: Patience = { tries: 12, windowMs: 60_000, floorMs: 0, stepMs: 250, capMs: 8_000 };

/** For a store that receives too many requests: S3 takes minutes to spread a prefix over more of its servers. */
const withThrottling: Patience = { tries: Infinity, windowMs: 120_000, floorMs: 0, stepMs: 500, capMs: 20_000 };

/**
 * Returns how to retry a failed request; undefined if it must not be retried.
 * @param isProven whether the same store has answered successfully before
 */
export const retryOf = (error: StorageError, isProven = false): Retry | undefined => {
  if (!isTransient(error.class)) return undefined;
  if (error.class === failureClass.throttled) return { patience: withThrottling };
  return { patience: isProven ? withOutages : withStrangers };
};
