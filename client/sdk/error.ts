/** A field of a request that was refused, and why. */
export type FieldError = { readonly field: string; readonly message: string };

type Problem = {
  readonly status: number | undefined;
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number | undefined;
};

/** A request that failed: the problem that the server answered with (RFC 9457), or none where no whole answer came. */
export class EdgefoldError extends Error {
  override readonly name = "EdgefoldError";
  /** The HTTP status. Undefined where no whole answer came; `cause` is the reason. */
  readonly status: number | undefined;
  /** Identifies the kind of problem, such as `urn:edgefold:problem:unknown-job`; `about:blank` if the answer does not. */
  readonly type: string;
  /** The kind of problem in words. */
  readonly title: string;
  /** What is wrong, and what to do. The same as `message`. */
  readonly detail: string;
  /** The fields of the request that are wrong. */
  readonly errors: readonly FieldError[];
  /** Seconds after which the same request can succeed, if the server says so. */
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

/** The header `Retry-After` (RFC 9110), which is seconds or a date. */
const retryAfterOf = (headers: Headers): number | undefined => {
  const text = headers.get("Retry-After") ?? "";
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
};

/** The error of an answer that is not a success. @param body of the answer: JSON, or whatever else a proxy answers with */
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

/** An error and its causes in words: fetch itself only says that it has failed. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  // A connection that failed for several addresses has a code, and no message.
  const reason = error.message || (textOf(error, "code") ?? error.name);
  return error.cause === undefined ? reason : `${reason}: ${reasonOf(error.cause)}`;
};

/** The error of a request whose answer did not come, broke off, or cannot be read. */
export const connectionError = (cause: unknown): EdgefoldError =>
  new EdgefoldError(
    { status: undefined, type: noType, title: "No answer", detail: `No answer from the server: ${reasonOf(cause)}` },
    { cause },
  );
