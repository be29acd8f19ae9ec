import type { Patience, Retry } from "../retry.ts";
import { failureClass, isTransient } from "./failure-class.ts";
import type { StorageError } from "./store.ts";

/** With a store that may not be there at all. */
const withStrangers: Patience = { tries: 6, windowMs: 30_000, floorMs: 0, stepMs: 250, capMs: 8_000 };

/** With a store that has worked: about half a minute, with full jitter. */
const withOutages: Patience = { tries: 12, windowMs: 60_000, floorMs: 0, stepMs: 250, capMs: 8_000 };

/** With a store that is asked too often: S3 takes minutes to spread a prefix over more of its servers. */
const withThrottling: Patience = { tries: Infinity, windowMs: 120_000, floorMs: 0, stepMs: 500, capMs: 20_000 };

/**
 * When a request that failed is to be sent again; undefined for never.
 * @param isProven whether the same store has answered with a success before
 */
export const retryOf = (error: StorageError, isProven = false): Retry | undefined => {
  if (!isTransient(error.class)) return undefined;
  if (error.class === failureClass.throttled) return { patience: withThrottling };
  return { patience: isProven ? withOutages : withStrangers };
};
