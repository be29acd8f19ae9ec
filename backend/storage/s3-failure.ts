import { formatAddress, type S3Address } from "../../shared/address.ts";
import { StorageError } from "./store.ts";
import type { Failure } from "./retry.ts";
import type { S3ErrorBody } from "./s3-xml.ts";

/** A refusal of an S3-compatible store, or a failure on the way to it. */
export class S3Error extends StorageError {
  /** Undefined where no answer came. */
  readonly status: number | undefined;

  constructor(code: string, message: string, status?: number, options?: ErrorOptions) {
    super(code, message, options);
    this.status = status;
  }
}

// for answers without a body, such as all to HEAD, and those that something other than the store gave
const codesOfStatus: Readonly<Record<number, string>> = {
  301: "PermanentRedirect",
  307: "TemporaryRedirect",
  400: "BadRequest",
  401: "Unauthorized",
  403: "AccessDenied",
  404: "NotFound",
  405: "MethodNotAllowed",
  408: "RequestTimeout",
  412: "PreconditionFailed",
  416: "InvalidRange",
  429: "TooManyRequests",
  500: "InternalError",
  501: "NotImplemented",
  503: "ServiceUnavailable",
};

/** The error for an answer with `status`, whose body held `error` or nothing that S3 would say. */
export const refused = (at: S3Address, status: number, error: S3ErrorBody | undefined): S3Error => {
  if (error === undefined) {
    return new S3Error(
      codesOfStatus[status] ?? `Http${status}`,
      `${formatAddress(at)}: the store answered with status ${status} and no reason`,
      status,
    );
  }
  const hint = error.endpoint === undefined ? "" : `; the bucket belongs to the endpoint ${error.endpoint}`;
  const message = error.message === "" ? "refused by the store" : error.message;
  return new S3Error(error.code, `${formatAddress(at)}: ${message}${hint} (${error.code})`, status);
};

/** The error for an answer that S3 would not give. */
export const malformed = (at: S3Address, why: string, cause?: unknown): S3Error =>
  new S3Error(
    "MalformedAnswer",
    `${formatAddress(at)}: this does not look like an S3-compatible store: ${why}`,
    undefined,
    { cause },
  );

// undici's own codes say nothing to a user
const systemCodes: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: "ETIMEDOUT",
  UND_ERR_HEADERS_TIMEOUT: "ETIMEDOUT",
  UND_ERR_BODY_TIMEOUT: "ETIMEDOUT",
  UND_ERR_SOCKET: "ECONNRESET",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "TruncatedBody",
};

const reasons: Readonly<Record<string, string>> = {
  EAI_AGAIN: "its name cannot be resolved at the moment",
  ECONNREFUSED: "it refuses the connection",
  ECONNRESET: "it broke off the connection",
  ENOTFOUND: "there is no such host",
  ETIMEDOUT: "it does not answer in time",
};

/** The error for a connection that could not be made or broke. */
export const unreachable = (at: S3Address, cause: unknown): S3Error => {
  const raw = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "NetworkError";
  const code = systemCodes[raw] ?? raw;
  const why = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new S3Error(
    code,
    `${formatAddress(at)}: cannot use ${new URL(at.endpoint).host}: ${why} (${code})`,
    undefined,
    {
      cause,
    },
  );
};

/** What is known of `error`, to decide whether to try again; undefined where it is not the store's or the network's. */
export const failureOf = (error: unknown): Failure | undefined => (error instanceof S3Error ? error : undefined);
