/** A rejected field of a request, and the reason. */
export type FieldError = { readonly field: string; readonly message: string };

type Problem = {
  readonly status: number | undefined;
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number | undefined;
};

/** A failed request: the server's problem details (RFC 9457), or a connection failure without a complete response. */
export class EdgefoldError extends Error {
  override readonly name = "EdgefoldError";
  /** The HTTP status. Undefined if no complete response arrived; `cause` has the reason. */
  readonly status: number | undefined;
  /** Identifies the kind of problem, such as `urn:edgefold:problem:unknown-job`. `about:blank` if the response has none. */
  readonly type: string;
  /** A short description of the kind of problem. */
  readonly title: string;
  /** What is wrong, and what to do about it. Same as `message`. */
  readonly detail: string;
  /** The invalid fields of the request. */
  readonly errors: readonly FieldError[];
  /** Seconds to wait before sending the same request again, if the server says so. */
  readonly retryAfterSeconds: number | undefined;

  constructor({ status, type, title, detail, errors = [], retryAfterSeconds }: Problem, options?: ErrorOptions) {
    super(detail, options);
    this.status = status;
    this.type = type;
    this.title = title;
    this.detail = detail;
    this.errors = errors;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Whether the same request may succeed later: there was no answer, or the server is busy or broken. */
  get isTransient(): boolean {
    return this.status === undefined || this.status === 429 || this.status >= 500;
  }
}

const noType = "about:blank";

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

const textOf = (value: unknown, name: string): string | undefined => {
  const field = fieldOf(value, name);
  return typeof field === "string" ? field : undefined;
};

const errorsOf = (body: unknown): FieldError[] => {
  const errors = fieldOf(body, "errors");
  return (Array.isArray(errors) ? errors : []).flatMap((error: unknown) => {
    const [field, message] = [textOf(error, "field"), textOf(error, "message")];
    return field === undefined || message === undefined ? [] : [{ field, message }];
  });
};

/** Reads the `Retry-After` header (RFC 9110), either seconds or a date. @returns seconds */
const retryAfterOf = (headers: Headers): number | undefined => {
  const text = headers.get("Retry-After") ?? "";
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
};

/** The error for an unsuccessful response. @param body the response's: JSON, or anything else that a proxy returns */
export const problemError = ({ status, statusText, headers }: Response, body: unknown): EdgefoldError => {
  const title = textOf(body, "title") ?? (statusText === "" ? `HTTP ${status}` : statusText);
  return new EdgefoldError({
    status,
    type: textOf(body, "type") ?? noType,
    title,
    detail: textOf(body, "detail") ?? `The server answered ${status} without a reason. Check the URL.`,
    errors: errorsOf(body),
    retryAfterSeconds: retryAfterOf(headers),
  });
};

/** Describes an error and its causes: the message of fetch itself only says that it failed. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  // When several addresses were tried, the error has a code but no message.
  const reason = error.message || (textOf(error, "code") ?? error.name);
  return error.cause === undefined ? reason : `${reason}: ${reasonOf(error.cause)}`;
};

/** The error for a response that is missing, incomplete or unreadable. */
export const connectionError = (cause: unknown): EdgefoldError =>
  new EdgefoldError(
    { status: undefined, type: noType, title: "No answer", detail: `No answer from the server: ${reasonOf(cause)}` },
    { cause },
  );
