/** What is known of a failure: the store's or the system's code, and the status where there was an answer. */
export type Failure = { readonly code: string; readonly status?: number | undefined };

/** What a failure of a store, or of the way to it, means for whoever asked. */
export const failureClass = {
  /** What was asked for is not there, or not all of it. */
  gone: "gone",
  /** The store or the system says no, and will say so again. */
  refused: "refused",
  /** The store is asked too often. */
  throttled: "throttled",
  /** There was no answer, or the store, the network or this machine could not do its part just now. */
  unreachable: "unreachable",
  /** Bytes were read that are not those that were written. */
  damaged: "damaged",
} as const;
export type FailureClass = (typeof failureClass)[keyof typeof failureClass];

const { gone, refused, throttled, unreachable, damaged } = failureClass;

/** Codes that are not listed, and have no status that says otherwise, are of refusals. */
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
    // a body that did not arrive as it was sent
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

/** Statuses whose meaning is not that of their hundred. */
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
 * What says that an address or a key is wrong, unless it has worked before: then names are not resolved for a while, a
 * service that is new does not know its keys yet, or something else answers in the store's place.
 */
const unproven =
  /^(ENOTFOUND|ENODATA|NoSuchBucket|InvalidAccessKeyId|InvalidClientTokenId|UnrecognizedClientException|EPROTO|CERT_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|ERR_(SSL|TLS)_\w+|HPE_\w+)$/;

/**
 * Classifies a failure. A code counts before a status.
 * @param isProven whether the same store has answered with a success before
 */
export const classOf = ({ code, status }: Failure, isProven = false): FailureClass => {
  if (unproven.test(code)) return isProven ? unreachable : refused;
  const known = classes.get(code) ?? (status === undefined ? undefined : classOfStatus[status]);
  return known ?? (status !== undefined && status >= 500 ? unreachable : refused);
};

/** Whether the same request may succeed later. */
export const isTransient = (its: FailureClass): boolean => its === throttled || its === unreachable;

/** Temporary credentials have expired, which others may replace: S3's codes, AWS's in general, and MinIO's. */
export const expiryCodes: ReadonlySet<string> = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidToken",
  "InvalidTokenId",
  "RequestExpired",
  "TokenRefreshRequired",
]);

/**
 * Failures that end an attempt, and need not end the next one: it has other credentials, another upload, another machine,
 * or writes again what was damaged.
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
