import type { JsonObject } from "./json.ts";
import { toJsonObject } from "./json.ts";
import { apiVersionOf, type Resource } from "./resources.ts";
import { fieldSelector, labelSelector, type Selector } from "./selectors.ts";
import { badRequest } from "./status.ts";
import type { Store } from "./store.ts";

/** Which objects a request selects. @throws Refusal 400 if the selectors cannot be parsed */
export const selectorOf = ({ plural }: Resource, name: string, query: URLSearchParams): Selector => {
  const byLabels = labelSelector(query.get("labelSelector") ?? "");
  const byFields = fieldSelector(plural, query.get("fieldSelector") ?? "");
  return (object) => (name === "" || object.metadata.name === name) && byLabels(object) && byFields(object);
};

/** Where the next page of a list starts: after an object, as of a version. */
type Continuation = { readonly version: number; readonly after: string };

const encoded = ({ version, after }: Continuation): string => Buffer.from(`${version} ${after}`).toString("base64url");

const continuationOf = (token: string): Continuation => {
  const [, version, after] = /^(\d+) (.+)$/.exec(Buffer.from(token, "base64url").toString()) ?? [];
  if (after === undefined) throw badRequest("continue key is not valid");
  return { version: Number(version), after };
};

/** Lists objects by namespace and name, in pages if requested. @throws Refusal 400, or 410 for an old page */
export const listObjects = (
  store: Store,
  resource: Resource,
  namespace: string | undefined,
  query: URLSearchParams,
): JsonObject => {
  const token = query.get("continue") ?? "";
  const from = token === "" ? undefined : continuationOf(token);
  if (from !== undefined) store.history.check(from.version);
  const keyed = store
    .list(resource.plural, namespace)
    .filter(selectorOf(resource, "", query))
    .map((object) => ({ key: `${object.metadata.namespace ?? ""}/${object.metadata.name}`, object }))
    .filter(({ key }) => from === undefined || key > from.after)
    .sort((one, other) => (one.key < other.key ? -1 : 1));
  const limit = Number(query.get("limit") ?? 0);
  const page = limit > 0 ? keyed.slice(0, limit) : keyed;
  const last = page.at(-1);
  const version = from?.version ?? store.version;
  const rest = keyed.length - page.length;
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: String(version),
      ...(rest === 0 || last === undefined
        ? {}
        : { continue: encoded({ version, after: last.key }), remainingItemCount: rest }),
    },
    // Items of a list omit their kind.
    items: page.map(({ object }) => {
      const { kind: _, apiVersion: __, ...item } = toJsonObject(object);
      return item;
    }),
  };
};
