import type { Patience, Retry } from "../retry.ts";
import { isTransient } from "./failure-class.ts";
import type { StorageError } from "./store.ts";

const patience: Patience = { tries: 6, windowMs: 30_000, floorMs: 0, stepMs: 250, capMs: 8_000 };

/** When a request that failed is to be sent again; undefined for never. */
export const retryOf = (error: StorageError): Retry | undefined =>
  isTransient(error.class) ? { patience } : undefined;
