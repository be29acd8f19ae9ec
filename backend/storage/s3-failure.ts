import { formatAddress, type S3Address } from "../../shared/address.ts";
import { codeOfStatus, networkFailure } from "./http-failure.ts";
import type { Failure } from "./retry.ts";
import type { S3ErrorBody } from "./s3-xml.ts";
import { StorageError } from "./store.ts";

/** A refusal of an S3-compatible store, or a failure on the way to it. */
export class S3Error extends StorageError {
  /** Undefined where no answer came. */
  readonly status: number | undefined;

  constructor(code: string, message: string, status?: number, options?: ErrorOptions) {
    super(code, message, options);
    this.status = status;
  }
}

/** The error for an answer with `status`, whose body held `error` or nothing that S3 would say. */
export const refused = (at: S3Address, status: number, error: S3ErrorBody | undefined): S3Error => {
  if (error === undefined) {
    return new S3Error(
      codeOfStatus(status),
      `${formatAddress(at)}: the store answered with status ${status} and no reason`,
      status,
    );
  }
  const hint = error.endpoint === undefined ? "" : `; the bucket belongs to the endpoint ${error.endpoint}`;
  const message = error.message === "" ? "refused by the store" : error.message;
  return new S3Error(error.code, `${formatAddress(at)}: ${message}${hint} (${error.code})`, status);
};

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

/** What is known of `error`, to decide whether to try again; undefined where it is not the store's or the network's. */
export const failureOf = (error: unknown): Failure | undefined => (error instanceof S3Error ? error : undefined);
