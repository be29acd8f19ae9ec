import { authorize, requireRole, type Audience, type Caller } from "./auth.ts";
import type { Role } from "../../shared/api/tokens.ts";
import { readConfiguration } from "../configuration.ts";
import type { Env } from "../env.ts";
import type { Operation, PathParameter } from "./operation.ts";
import { invalidRequest, ProblemError } from "./problems.ts";

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

/** The least role of a user who may do something, where the endpoint says nothing else. */
const usualRoles: Readonly<Record<Method, Role>> = {
  GET: "viewer",
  PUT: "submitter",
  POST: "submitter",
  DELETE: "submitter",
};

/** What a method does at a path. */
export type Endpoint = {
  /** The least role of a user who may call, where it is not as usual. */
  readonly role?: Role;
  readonly operation: Operation;
  readonly handle: (call: Call) => Promise<Response>;
};

/** A path and what can be done there. HEAD is answered wherever GET is. */
export type Resource = {
  /** Parts that begin with a colon stand for anything. */
  readonly path: string;
  readonly audience: Audience;
  /** The `:parts`, in their order. */
  readonly parameters?: readonly PathParameter[];
  readonly methods: Readonly<Partial<Record<Method, Endpoint>>>;
  /** What to do instead, for methods that users try here in vain. */
  readonly advice?: Readonly<Partial<Record<Method, string>>>;
};

/** Resources of one kind, as the OpenAPI document lists them together. */
export type ResourceGroup = {
  /** The kind, in one word. */
  readonly tag: string;
  readonly description: string;
  readonly resources: readonly Resource[];
};

/** A method of a resource, and the role that it needs. */
export type MethodEndpoint = Required<Endpoint> & { readonly method: Method };

/** The methods of a resource, in the order in which they are listed to users, and the roles that they need. */
export const endpointsOf = (resource: Resource): MethodEndpoint[] =>
  methods.flatMap((method) => {
    const endpoint = resource.methods[method];
    return endpoint === undefined ? [] : [{ method, role: usualRoles[method], ...endpoint }];
  });

/** Whether a resource is for people and their programs, and not for parts of Edgefold. */
export const isPublic = ({ audience }: Resource): boolean => audience === "api" || audience === "anyone";

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

const allowedMethods = (resource: Resource): string =>
  endpointsOf(resource)
    .flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]))
    .join(", ");

const findEndpoint = (resource: Resource, requested: string): Required<Endpoint> => {
  const name = requested === "HEAD" ? "GET" : requested;
  const endpoint = endpointsOf(resource).find(({ method }) => method === name);
  if (endpoint !== undefined) return endpoint;
  const method = methods.find((known) => known === name);
  const advice = method && resource.advice?.[method];
  const allow = allowedMethods(resource);
  const detail = `${advice ?? "Method not allowed."} Allowed: ${allow}.`;
  throw new ProblemError("method-not-allowed", detail, { headers: { Allow: allow } });
};

/** A parameter that nothing reads would be ignored in silence, and the answer taken for another one. */
const refuseUnknownParameters = ({ parameters = [] }: Operation, url: URL): void => {
  const known = parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name);
  const unknown = [...new Set(url.searchParams.keys())].filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const advice = known.length === 0 ? "there are none" : `there are ${known.join(", ")}`;
  throw invalidRequest(unknown.map((field) => ({ field, message: `is no parameter of this query; ${advice}` })));
};

const dropBody = async (response: Response): Promise<Response> => {
  await response.body?.cancel();
  return new Response(null, { status: response.status, headers: response.headers });
};

/** Serves a resource: checks who may call, then which method, then runs the handler. @throws ProblemError */
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
  const { role, operation, handle } = findEndpoint(resource, request.method);
  const url = new URL(request.url);
  if (resource.audience === "api") requireRole(caller, role);
  if (isPublic(resource)) refuseUnknownParameters(operation, url);
  const response = await handle({ request, env, ctx, url, params, caller });
  return request.method === "HEAD" ? await dropBody(response) : response;
};

/** Answers every other path, users of the API alone, so that nobody else learns what there is. @throws ProblemError */
export const refuseUnknownPath = async (request: Request, env: Env): Promise<never> => {
  await authorize("api", request, {}, env, readConfiguration(env));
  throw new ProblemError("unknown-path", "No resource has this path. GET / lists all resources.");
};
