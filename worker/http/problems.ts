import type { Problem } from "../../shared/api/problems.ts";

/** Every problem that the API can answer with. The keys are part of the API: `type` is `urn:edgefold:problem:<key>`. */
export const problems = {
  "malformed-path": { status: 400, title: "Malformed path" },
  "malformed-body": { status: 400, title: "Malformed body" },
  "malformed-form": { status: 400, title: "Malformed form" },
  "invalid-request": { status: 400, title: "Invalid request" },
  unauthorized: { status: 401, title: "Valid token required" },
  "wrong-token": { status: 403, title: "Token not valid for this resource" },
  "role-missing": { status: 403, title: "Role not sufficient" },
  "not-loopback": { status: 403, title: "Only loopback requests are served" },
  "foreign-page": { status: 403, title: "Cross-origin request refused" },
  "unknown-path": { status: 404, title: "Unknown path" },
  "unknown-artifact": { status: 404, title: "Unknown artifact" },
  "unknown-job": { status: 404, title: "Unknown job" },
  "unknown-task": { status: 404, title: "Unknown task" },
  "unknown-attempt": { status: 404, title: "Unknown attempt" },
  "unknown-token": { status: 404, title: "Unknown token" },
  "unknown-program": { status: 404, title: "Unknown program" },
  "method-not-allowed": { status: 405, title: "Method not allowed" },
  "job-ended": { status: 409, title: "The job has ended" },
  "job-not-held": { status: 409, title: "Nothing of the job is kept" },
  "job-not-over": { status: 409, title: "The job is not over" },
  "job-committing": { status: 409, title: "The job is committing its output" },
  "token-configured": { status: 409, title: "The name is taken by API_TOKENS" },
  "body-too-large": { status: 413, title: "Body too large" },
  "unsupported-media-type": { status: 415, title: "Unsupported media type" },
  "range-not-satisfiable": { status: 416, title: "Range not satisfiable" },
  "idempotency-conflict": { status: 422, title: "Idempotency-Key already used for another request" },
  "upgrade-required": { status: 426, title: "WebSocket upgrade required" },
  "too-many-jobs": { status: 429, title: "The cluster has too many jobs" },
  "too-many-watchers": { status: 429, title: "Too many watch the job" },
  "rate-limited": { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "Internal error" },
  "not-configured": { status: 503, title: "The Worker is not fully configured" },
  busy: { status: 503, title: "Temporarily busy" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemKind = keyof typeof problems;
export type FieldError = NonNullable<Problem["errors"]>[number];

/** The stable identifier of a kind of problem. */
export const problemType = (kind: ProblemKind): string => `urn:edgefold:problem:${kind}`;

type Extras = { readonly errors?: FieldError[]; readonly headers?: Readonly<Record<string, string>> };

/** An error that is the caller's to read: `detail` and `errors` are sent as they are. */
export class ProblemError extends Error {
  override name = "ProblemError";
  readonly kind: ProblemKind;
  readonly extras: Extras;

  constructor(kind: ProblemKind, detail: string, extras: Extras = {}) {
    super(detail);
    this.kind = kind;
    this.extras = extras;
  }
}

/** All invalid fields of a request as one problem. The detail repeats the errors. */
export const invalidRequest = (
  errors: FieldError[],
  kind: "invalid-request" | "unknown-artifact" = "invalid-request",
) => new ProblemError(kind, errors.map(({ field, message }) => `${field} ${message}`.trim()).join("; "), { errors });

/** The Worker cannot serve a request now. @param seconds after which the same request can succeed */
export const busy = (detail: string, seconds = 1): ProblemError =>
  new ProblemError("busy", detail, { headers: { "Retry-After": String(seconds) } });

const hasFlag = (error: unknown, name: string): boolean =>
  typeof error === "object" && error !== null && Reflect.get(error, name) === true;

/** Whether a Durable Object's failure is transient: errors lose their class on the way, but keep these flags. */
export const isTransient = (error: unknown): boolean =>
  hasFlag(error, "retryable") || hasFlag(error, "overloaded") || hasFlag(error, "durableObjectReset");

const asProblem = (error: unknown, report: (id: string) => void): ProblemError => {
  if (error instanceof ProblemError) return error;
  const id = crypto.randomUUID();
  report(id);
  return isTransient(error)
    ? busy(`The request could not be served right now. It was logged as ${id}. Try again.`)
    : new ProblemError("internal", `An unexpected error was logged as ${id}.`);
};

/**
 * The response to anything that was thrown. An unexpected error is logged under an id, and the caller learns the id alone.
 *
 * @param secrets texts that must not appear in the log
 */
export const renderProblem = (error: unknown, request: Request, secrets: readonly string[]): Response => {
  const { kind, message, extras } = asProblem(error, (id) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const clean = secrets.reduce((log, secret) => log.replaceAll(secret, "…"), text);
    console.error(JSON.stringify({ id, method: request.method, path: new URL(request.url).pathname, error: clean }));
  });
  const { status, title } = problems[kind];
  const body: Problem = { type: problemType(kind), title, status, detail: message };
  if (extras.errors !== undefined) body.errors = extras.errors;
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...extras.headers, "Content-Type": "application/problem+json" },
  });
};
