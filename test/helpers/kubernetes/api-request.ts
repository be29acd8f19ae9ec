import type { Access } from "./rbac.ts";
import { resourceNamed, type Resource } from "./resources.ts";
import { selectedName } from "./selectors.ts";
import { methodNotAllowed, noSuchResource } from "./status.ts";

export type Verb = "create" | "get" | "list" | "watch" | "update" | "patch" | "delete";

/** A parsed request. */
export type ApiRequest = {
  readonly verb: Verb;
  readonly resource: Resource;
  readonly subresource: string;
  /** Undefined for cluster-scoped resources, and for all namespaces. */
  readonly namespace: string | undefined;
  /** Empty if the request names no object. */
  readonly name: string;
  readonly query: URLSearchParams;
};

/** `/api/v1/…` or `/apis/<group>/<version>/…`, then optionally `namespaces/<namespace>`, a resource, a name and a subresource. */
const pathPattern =
  /^\/(?:api|apis\/(?<group>[^/]+))\/(?<version>[^/]+)(?:\/namespaces\/(?<namespace>[^/]+)(?=\/))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+)(?:\/(?<subresource>[^/]+))?)?\/?$/;

const isSet = (value: string | null): boolean => value === "true" || value === "1";

const verbOf = (method: string, hasName: boolean, query: URLSearchParams): Verb => {
  if (method === "GET" && isSet(query.get("watch"))) return "watch";
  if (method === "GET") return hasName ? "get" : "list";
  const verbs: Readonly<Record<string, Verb>> = hasName
    ? { PUT: "update", PATCH: "patch", DELETE: "delete" }
    : { POST: "create" };
  const verb = verbs[method];
  if (verb === undefined) throw methodNotAllowed();
  return verb;
};

/** @throws Refusal 404 or 405 if there is no such resource or verb */
export const parseRequest = (method: string, url: URL): ApiRequest => {
  const {
    group = "",
    version = "",
    namespace,
    plural = "",
    name = "",
    subresource = "",
  } = pathPattern.exec(url.pathname)?.groups ?? {};
  const resource = resourceNamed(group, version, plural);
  if (resource === undefined || (namespace !== undefined && !resource.isNamespaced)) throw noSuchResource();
  const verb = verbOf(method, name !== "", url.searchParams);
  const isStatus = subresource === "status" && resource.hasStatus && ["get", "update", "patch"].includes(verb);
  if (subresource !== "" && !isStatus) throw noSuchResource();
  if (resource.isNamespaced && namespace === undefined && verb !== "list" && verb !== "watch") throw noSuchResource();
  return { verb, resource, subresource, namespace, name, query: url.searchParams };
};

/** The access that a request requires. */
export const accessOf = ({ verb, resource, subresource, namespace, name, query }: ApiRequest): Access => ({
  verb,
  group: resource.group,
  resource: resource.plural,
  subresource,
  // A Namespace counts as being in itself.
  namespace: namespace ?? (resource.plural === "namespaces" ? name : ""),
  name: name === "" ? selectedName(resource.plural, query.get("fieldSelector") ?? "") : name,
});
