import type { Patience, Retry } from "../retry.ts";

/** What is known of a failed request: the store's or the system's code, and the status where there was an answer. */
export type Failure = { readonly code: string; readonly status?: number | undefined };

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

const patience: Patience = { tries: 6, windowMs: 30_000, floorMs: 0, stepMs: 250, capMs: 8000 };

/** Whether the same request may succeed later. */
export const isTransient = ({ code, status }: Failure): boolean =>
  transientCodes.has(code) || (status !== undefined && transientStatuses.has(status));

/** When a failed request is to be sent again; undefined for never. */
export const retryOf = (failure: Failure | undefined): Retry | undefined =>
  failure !== undefined && isTransient(failure) ? { patience } : undefined;
