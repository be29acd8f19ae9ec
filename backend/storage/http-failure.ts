// for answers without a body, such as every answer to HEAD, and for answers that did not come from the service
const codesOfStatus: Readonly<Record<number, string>> = {
  301: "PermanentRedirect",
  302: "TemporaryRedirect",
  303: "TemporaryRedirect",
  307: "TemporaryRedirect",
  308: "PermanentRedirect",
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

/** The error code for an answer that has only a status. */
export const codeOfStatus = (status: number): string => codesOfStatus[status] ?? `Http${status}`;

// undici's own codes mean nothing to a user
const systemCodes: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: "ETIMEDOUT",
  UND_ERR_HEADERS_TIMEOUT: "ETIMEDOUT",
  UND_ERR_BODY_TIMEOUT: "ETIMEDOUT",
  UND_ERR_SOCKET: "ECONNRESET",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "TruncatedBody",
  // for a body that was compressed in transit
  Z_BUF_ERROR: "TruncatedBody",
  Z_DATA_ERROR: "TruncatedBody",
};

const reasons: Readonly<Record<string, string>> = {
  EAI_AGAIN: "its name cannot be resolved at the moment",
  ECONNREFUSED: "it refuses the connection",
  ECONNRESET: "it broke off the connection",
  ENOTFOUND: "there is no such host",
  ETIMEDOUT: "it does not answer in time",
};

/** Describes why a host did not answer: the system's code, and a text for users that continues from the host's name. */
export const networkFailure = (cause: unknown): { readonly code: string; readonly why: string } => {
  const raw = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "NetworkError";
  const code = systemCodes[raw] ?? raw;
  return { code, why: reasons[code] ?? (cause instanceof Error ? cause.message : String(cause)) };
};
