import { formatAddress, type S3Address } from "../../shared/address.ts";
import { expiryCodes } from "./failure-class.ts";
import { codeOfStatus, networkFailure } from "./http-failure.ts";
import type { Retry } from "../retry.ts";
import { retryOf } from "./patience.ts";
import { plausibleRegion, type S3ErrorBody } from "./s3-xml.ts";
import { StorageError } from "./store.ts";

type S3ErrorOptions = ErrorOptions & {
  readonly isProven?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
};

/** An error of an S3-compatible store, or a failure to reach it. */
export class S3Error extends StorageError {
  /** How long the store asks to wait before the next request, in milliseconds; undefined if it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, status?: number, { retryAfterMs, ...options }: S3ErrorOptions = {}) {
    super(code, message, { ...options, status });
    this.retryAfterMs = retryAfterMs;
  }
}

type AnswerHead = { readonly status: number; readonly headers: ReadonlyMap<string, string> };

/**
 * The error for an answer whose body contained `error`, or no error that S3 would send. In the latter case, nothing of the body
 * is shown: otherwise a user could name an internal service as the endpoint and read its answers.
 */
export const refused = (
  at: S3Address,
  { status, headers }: AnswerHead,
  error: S3ErrorBody | undefined,
  isProven: boolean,
): S3Error => {
  const options = { isProven, retryAfterMs: retryAfter(headers.get("retry-after")) };
  if (error === undefined) {
    const code = codeOfStatus(status);
    const what =
      status < 300 || status >= 400 ? " and no reason that S3 would give" : redirectTo(headers.get("location"));
    return new S3Error(
      code,
      `${formatAddress(at)}: the store answered with status ${status}${what} (${code})`,
      status,
      options,
    );
  }
  const region = error.region ?? bucketRegion(headers);
  const hints = [
    ...(error.endpoint === undefined ? [] : [`the bucket belongs to the endpoint ${error.endpoint}`]),
    ...(region === undefined ? [] : [`the bucket is in the region ${region}`]),
  ];
  const message = error.message === "" ? "refused by the store" : error.message;
  return new S3Error(
    error.code,
    `${formatAddress(at)}: ${[message, ...hints].join("; ")} (${error.code})`,
    status,
    options,
  );
};

/** The longest wait that a store can request, in milliseconds. */
const longestRetryAfter = 60_000;

/** The wait that a `Retry-After` requests (RFC 9110, 10.2.3), in milliseconds and within bounds. */
const retryAfter = (value: string | undefined): number | undefined => {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(longestRetryAfter, Math.max(0, ms));
};

const redirectTo = (location: string | undefined): string => {
  const url = location === undefined || !URL.canParse(location) ? undefined : new URL(location);
  const to = url !== undefined && /^https?:$/.test(url.protocol) && url.host.length < 256 ? ` to ${url.origin}` : "";
  return `, a redirect${to}, which is not followed`;
};

/** The region of the requested bucket; undefined if the store does not say. */
export const bucketRegion = (headers: ReadonlyMap<string, string>): string | undefined =>
  plausibleRegion(headers.get("x-amz-bucket-region"));

/** Whether the store refused temporary credentials that can be replaced. */
export const saysExpired = (error: S3ErrorBody | undefined): boolean =>
  error !== undefined && expiryCodes.has(error.code);

/** The error for an answer that S3 would not send. */
export const malformed = (at: S3Address, why: string, cause?: unknown): S3Error =>
  new S3Error(
    "MalformedAnswer",
    `${formatAddress(at)}: this does not look like an S3-compatible store: ${why}`,
    undefined,
    { cause },
  );

/** The error for a connection that could not be established or broke. */
export const unreachable = (at: S3Address, cause: unknown, isProven: boolean): S3Error => {
  const { code, why } = networkFailure(cause);
  const message = `${formatAddress(at)}: cannot use ${new URL(at.endpoint).host}: ${why} (${code})`;
  return new S3Error(code, message, undefined, { cause, isProven });
};

/** Returns how to retry a request that failed with `error`; undefined if it must not be retried. */
export const retryS3 = (error: unknown, isProven: boolean): Retry | undefined => {
  if (!(error instanceof S3Error)) return undefined;
  const retry = retryOf(error, isProven);
  return retry && { ...retry, atLeastMs: error.retryAfterMs };
};
