import type { Problem } from "../../shared/api/problems.ts";

/** Every problem that the API can answer with. The keys are part of the API: `type` is `urn:edgefold:problem:<key>`. */
const catalogue = {
  "malformed-path": { status: 400, title: "The path cannot be decoded" },
  "malformed-body": { status: 400, title: "The body cannot be read" },
  "malformed-form": { status: 400, title: "The form cannot be read" },
  "invalid-request": { status: 400, title: "The request is not valid" },
  "job-id-missing": { status: 400, title: "No job is named" },
  unauthorized: { status: 401, title: "A valid token is needed" },
  "wrong-token": { status: 403, title: "The token is for something else" },
  "role-missing": { status: 403, title: "The token's role does not allow this" },
  "not-loopback": { status: 403, title: "Only this machine is served" },
  "foreign-page": { status: 403, title: "Requests of other sites' pages are refused" },
  "unknown-path": { status: 404, title: "There is nothing at this path" },
  "unknown-artifact": { status: 404, title: "There is no such artifact" },
  "unknown-job": { status: 404, title: "There is no such job" },
  "unknown-program": { status: 404, title: "The job has no such program" },
  "method-not-allowed": { status: 405, title: "The method is not possible here" },
  "job-ended": { status: 409, title: "The job has ended" },
  "job-committing": { status: 409, title: "The job is making its output visible" },
  "body-too-large": { status: 413, title: "The body is too large" },
  "unsupported-media-type": { status: 415, title: "The body's type is not understood here" },
  "idempotency-conflict": { status: 422, title: "The Idempotency-Key was used for another request" },
  "upgrade-required": { status: 426, title: "This path is for WebSockets" },
  "rate-limited": { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "Something went wrong" },
  "not-configured": { status: 503, title: "The Worker is not configured" },
  busy: { status: 503, title: "Busy; try again" },
} as const satisfies Record<string, { status: number; title: string }>;

type ProblemKind = keyof typeof catalogue;
export type FieldError = NonNullable<Problem["errors"]>[number];

/** The stable identifier of a kind of problem. */
const problemType = (kind: ProblemKind): string => `urn:edgefold:problem:${kind}`;

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

/** Several fields that are wrong, as one problem; the detail repeats what the errors say. */
export const invalidRequest = (
  errors: FieldError[],
  kind: "invalid-request" | "unknown-artifact" = "invalid-request",
) => new ProblemError(kind, errors.map(({ field, message }) => `${field} ${message}`.trim()).join("; "), { errors });

/** The Worker cannot serve a request now; the same request can succeed soon. */
export const busy = (detail: string): ProblemError =>
  new ProblemError("busy", detail, { headers: { "Retry-After": "1" } });

const flag = (error: unknown, name: string): boolean =>
  typeof error === "object" && error !== null && Reflect.get(error, name) === true;

/** Whether a Durable Object failed in a way that passes: errors lose their class on the way, but keep these flags. */
export const isPassing = (error: unknown): boolean =>
  flag(error, "retryable") || flag(error, "overloaded") || flag(error, "durableObjectReset");

const asProblem = (error: unknown, report: (id: string) => void): ProblemError => {
  if (error instanceof ProblemError) return error;
  const id = crypto.randomUUID();
  report(id);
  return isPassing(error)
    ? busy(`The request could not be served just now (${id}).`)
    : new ProblemError("internal", `It was logged as ${id}.`);
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
  const { status, title } = catalogue[kind];
  const body: Problem = { type: problemType(kind), title, status, detail: message };
  if (extras.errors !== undefined) body.errors = extras.errors;
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...extras.headers, "Content-Type": "application/problem+json", "Cache-Control": "no-store" },
  });
};
