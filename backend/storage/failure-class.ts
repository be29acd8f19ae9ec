/** What is known about a failure: the code of the store or the system, and the HTTP status if there was an answer. */
export type Failure = { readonly code: string; readonly status?: number | undefined };

/** What a failure of a store, or of the connection to it, means for the caller. */
export const failureClass = {
  /** The requested data does not exist, or only part of it does. */
  gone: "gone",
  /** The store or the system rejects the request, and would reject it again. */
  refused: "refused",
  /** The store receives too many requests. */
  throttled: "throttled",
  /** There was no answer, or the store, the network or this machine had a transient problem. */
  unreachable: "unreachable",
  /** The bytes read are not the bytes that were written. */
  damaged: "damaged",
} as const;
export type FailureClass = (typeof failureClass)[keyof typeof failureClass];

const { gone, refused, throttled, unreachable, damaged } = failureClass;

/** An unlisted code means `refused`, unless the status says otherwise. */
const codesOf: Readonly<Record<Exclude<FailureClass, "refused">, readonly string[]>> = {
  gone: [
    "InvalidRange",
    "NoInput",
    "NoSuchKey",
    "NoSuchUpload",
    "NoSuchVersion",
    "NotFound",
    "ObjectChanged",
    "ENOENT",
    "ENOTDIR",
  ],
  throttled: [
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "ServerBusy",
    "ServiceUnavailable",
    "SlowDown",
    // MinIO's
    "SlowDownRead",
    "SlowDownWrite",
    "Throttled",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
  ],
  unreachable: [
    // a body that was damaged or truncated in transit
    "BadDigest",
    "IncompleteBody",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
    "ConditionalRequestConflict",
    "OperationAborted",
    "IDPCommunicationError",
    "InternalError",
    "InternalFailure",
    "RequestTimeout",
    "TruncatedBody",
    // the network
    "EAI_AGAIN",
    "ECONNABORTED",
    "ECONNREFUSED",
    "ECONNRESET",
    "EHOSTDOWN",
    "EHOSTUNREACH",
    "ENETDOWN",
    "ENETRESET",
    "ENETUNREACH",
    "ENOBUFS",
    "EPIPE",
    "ETIMEDOUT",
    // this machine, or its disk
    "EAGAIN",
    "EBUSY",
    "EDQUOT",
    "EINTR",
    "EIO",
    "EMFILE",
    "ENFILE",
    "ENOLINK",
    "ENOMEM",
    "ENOSPC",
    "EREMOTEIO",
    "ESTALE",
    "ETXTBSY",
  ],
  damaged: ["CorruptInput", "DamagedSegment"],
};

const classes: ReadonlyMap<string, FailureClass> = new Map(
  ([gone, throttled, unreachable, damaged] as const).flatMap((each) => codesOf[each].map((code) => [code, each])),
);

/** Statuses that are exceptions to the default: `unreachable` for 5xx, `refused` for all others. */
const classOfStatus: Readonly<Record<number, FailureClass>> = {
  404: gone,
  408: unreachable,
  410: gone,
  416: gone,
  423: unreachable,
  425: unreachable,
  429: throttled,
  501: refused,
  503: throttled,
  505: refused,
};

/**
 * Codes that mean a wrong address or key, unless the store has worked before. In that case name resolution is failing
 * temporarily, a new service does not know its keys yet, or something else answers instead of the store.
 */
const unproven =
  /^(ENOTFOUND|ENODATA|NoSuchBucket|InvalidAccessKeyId|InvalidClientTokenId|UnrecognizedClientException|EPROTO|CERT_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|ERR_(SSL|TLS)_\w+|HPE_\w+)$/;

/**
 * Classifies a failure. The code takes precedence over the status.
 * @param isProven whether the same store has answered successfully before
 */
export const classOf = ({ code, status }: Failure, isProven = false): FailureClass => {
  if (unproven.test(code)) return isProven ? unreachable : refused;
  const known = classes.get(code) ?? (status === undefined ? undefined : classOfStatus[status]);
  return known ?? (status !== undefined && status >= 500 ? unreachable : refused);
};

/** Whether the same request can succeed later. */
export const isTransient = (its: FailureClass): boolean => its === throttled || its === unreachable;

/** Codes for expired temporary credentials, which can be replaced: those of S3, of AWS in general and of MinIO. */
export const expiryCodes: ReadonlySet<string> = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidToken",
  "InvalidTokenId",
  "RequestExpired",
  "TokenRefreshRequired",
]);

/**
 * Failures that end an attempt but need not affect the next one: it uses new credentials, a new upload or another machine, or
 * it rewrites the damaged data.
 */
const attemptOnly: ReadonlySet<string> = new Set([
  "DamagedSegment",
  ...expiryCodes,
  "RequestTimeTooSkewed",
  "InvalidPart",
  "InvalidPartOrder",
  "NoSuchUpload",
  "MalformedAnswer",
]);

/** Whether another attempt is bound to fail in the same way. */
export const isFinal = ({ code, class: its }: Failure & { readonly class: FailureClass }): boolean =>
  !isTransient(its) && !attemptOnly.has(code);
