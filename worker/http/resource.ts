import { authorize, requireRole, type Audience, type Caller } from "./auth.ts";
import { readConfiguration, type Role } from "../configuration.ts";
import type { Env } from "../env.ts";
import { ProblemError } from "./problems.ts";

const methods = ["GET", "PUT", "POST", "DELETE"] as const;
type Method = (typeof methods)[number];

/** A request on its way through a handler. */
export type Call = {
  readonly request: Request;
  readonly env: Env;
  readonly ctx: ExecutionContext;
  readonly url: URL;
  readonly caller: Caller;
  /** The decoded `:parts` of the resource's path. */
  readonly params: Readonly<Record<string, string>>;
};

/** Who may do something at a resource of the API, where the resource says nothing else. */
const usualRoles: Readonly<Record<Method, Role>> = {
  GET: "viewer",
  PUT: "submitter",
  POST: "submitter",
  DELETE: "submitter",
};

type Handler = (call: Call) => Promise<Response>;

/** A path and what can be done there. HEAD is answered wherever GET is. */
export type Resource = {
  readonly path: string;
  readonly audience: Audience;
  readonly methods: Readonly<Partial<Record<Method, Handler>>>;
  /** Who may, where that is not as usual. */
  readonly roles?: Readonly<Partial<Record<Method, Role>>>;
  /** Methods that cannot work here, but for which there is a better answer than 405. */
  readonly advice?: Readonly<Partial<Record<Method, ProblemError>>>;
};

const decodeParams = (params: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(params).map(([name, text]) => {
      try {
        return [name, decodeURIComponent(text)];
      } catch {
        throw new ProblemError("malformed-path", `'${text}' is not percent-encoded UTF-8.`);
      }
    }),
  );

/** A part of the path, by its name in the resource's `path`. */
export const param = (call: Call, name: string): string => {
  const value = call.params[name];
  if (value === undefined) throw new Error(`the path has no :${name}`);
  return value;
};

const allowed = (resource: Resource): string =>
  methods
    .filter((method) => resource.methods[method] !== undefined)
    .flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]))
    .join(", ");

const handlerOf = (resource: Resource, requested: string, caller: Caller): Handler => {
  const name = requested === "HEAD" ? "GET" : requested;
  const method = methods.find((known) => known === name);
  const handler = method && resource.methods[method];
  if (method !== undefined && handler !== undefined) {
    if (resource.audience === "api") requireRole(caller, resource.roles?.[method] ?? usualRoles[method]);
    return handler;
  }
  const advice = method && resource.advice?.[method];
  if (advice !== undefined) throw advice;
  const allow = allowed(resource);
  throw new ProblemError("method-not-allowed", `${requested} is not possible here; ${allow} is.`, {
    headers: { Allow: allow },
  });
};

const withoutBody = async (response: Response): Promise<Response> => {
  await response.body?.cancel();
  return new Response(null, { status: response.status, headers: response.headers });
};

/** Serves a resource: who may call, then which method, then the handler. */
export const serve = async (
  resource: Resource,
  request: Request,
  encodedParams: Readonly<Record<string, string>>,
  env: Env,
  ctx: ExecutionContext,
): Promise<Response> => {
  const configuration = readConfiguration(env);
  const params = decodeParams(encodedParams);
  const caller = await authorize(resource.audience, request, params, env, configuration);
  const call = { request, env, ctx, url: new URL(request.url), params, caller };
  const response = await handlerOf(resource, request.method, caller)(call);
  return request.method === "HEAD" ? await withoutBody(response) : response;
};

/** What every other path answers, to users of the API alone, so that nobody else learns what there is. */
export const refuseUnknownPath = async (request: Request, env: Env): Promise<never> => {
  await authorize("api", request, {}, env, readConfiguration(env));
  throw new ProblemError("unknown-path", "There is nothing here; GET / lists what there is.");
};
