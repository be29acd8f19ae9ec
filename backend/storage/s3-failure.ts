import { formatAddress, type S3Address } from "../../shared/address.ts";
import { codeOfStatus, networkFailure } from "./http-failure.ts";
import type { Retry } from "../retry.ts";
import { retryOf } from "./patience.ts";
import { plausibleRegion, type S3ErrorBody } from "./s3-xml.ts";
import { StorageError } from "./store.ts";

/** A refusal of an S3-compatible store, or a failure on the way to it. */
export class S3Error extends StorageError {
  constructor(code: string, message: string, status?: number, options?: ErrorOptions) {
    super(code, message, { ...options, status });
  }
}

type AnswerHead = { readonly status: number; readonly headers: ReadonlyMap<string, string> };

/**
 * The error for an answer whose body held `error`, or nothing that S3 would say. Of the latter nothing is shown: whoever named
 * the endpoint could have it ask a service that tells them nothing.
 */
export const refused = (at: S3Address, { status, headers }: AnswerHead, error: S3ErrorBody | undefined): S3Error => {
  if (error === undefined) {
    const code = codeOfStatus(status);
    const what =
      status < 300 || status >= 400 ? " and no reason that S3 would give" : redirectTo(headers.get("location"));
    return new S3Error(code, `${formatAddress(at)}: the store answered with status ${status}${what} (${code})`, status);
  }
  const region = error.region ?? bucketRegion(headers);
  const hints = [
    ...(error.endpoint === undefined ? [] : [`the bucket belongs to the endpoint ${error.endpoint}`]),
    ...(region === undefined ? [] : [`the bucket is in the region ${region}`]),
  ];
  const message = error.message === "" ? "refused by the store" : error.message;
  return new S3Error(error.code, `${formatAddress(at)}: ${[message, ...hints].join("; ")} (${error.code})`, status);
};

const redirectTo = (location: string | undefined): string => {
  const url = location === undefined || !URL.canParse(location) ? undefined : new URL(location);
  const to = url !== undefined && /^https?:$/.test(url.protocol) && url.host.length < 256 ? ` to ${url.origin}` : "";
  return `, a redirect${to}, which is not followed`;
};

/** The region of the bucket that was asked for, where the store tells. */
export const bucketRegion = (headers: ReadonlyMap<string, string>): string | undefined =>
  plausibleRegion(headers.get("x-amz-bucket-region"));

// S3's, AWS's in general, and MinIO's
const expiryCodes: ReadonlySet<string> = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidToken",
  "InvalidTokenId",
  "RequestExpired",
  "TokenRefreshRequired",
]);

/** Whether temporary credentials were refused, which others may replace. */
export const saysExpired = (error: S3ErrorBody | undefined): boolean =>
  error !== undefined && expiryCodes.has(error.code);

/** The error for an answer that S3 would not give. */
export const malformed = (at: S3Address, why: string, cause?: unknown): S3Error =>
  new S3Error(
    "MalformedAnswer",
    `${formatAddress(at)}: this does not look like an S3-compatible store: ${why}`,
    undefined,
    { cause },
  );

/** The error for a connection that could not be made or broke. */
export const unreachable = (at: S3Address, cause: unknown): S3Error => {
  const { code, why } = networkFailure(cause);
  const message = `${formatAddress(at)}: cannot use ${new URL(at.endpoint).host}: ${why} (${code})`;
  return new S3Error(code, message, undefined, { cause });
};

/** When a request that failed with `error` is to be sent again; undefined for never. */
export const retryS3 = (error: unknown): Retry | undefined => (error instanceof S3Error ? retryOf(error) : undefined);
