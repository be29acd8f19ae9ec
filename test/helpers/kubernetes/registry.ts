import { isDeepStrictEqual } from "node:util";
import type { Admission } from "./admission.ts";
import { bodyObject, decoded, metadataOf, strictErrors } from "./decoding.ts";
import { isReleased } from "./deletion.ts";
import { isJsonObject, toJson, toJsonObject, withoutNulls, type Json, type JsonObject } from "./json.ts";
import { newMetadata, nextMetadata } from "./metadata.ts";
import { PodSchema } from "./object-schemas.ts";
import { patched } from "./patch.ts";
import { causesOf, prepare } from "./preparation.ts";
import { resources, type Objects, type Plural, type Resource } from "./resources.ts";
import { alreadyExists, badRequest, invalid, notFound } from "./status.ts";
import type { Store } from "./store.ts";

/** The object that a request is about. */
export type Target<K extends Plural = Plural> = {
  readonly plural: K;
  /** Undefined for cluster-scoped resources. */
  readonly namespace: string | undefined;
  readonly name: string;
};

/** Creates and changes objects as the API server does: decodes, defaults, validates and admits them. */
export class Registry {
  readonly #store: Store;
  readonly #admission: Admission;

  constructor(store: Store, admission: Admission) {
    this.#store = store;
    this.#admission = admission;
  }

  /** @throws Refusal 404 */
  get<K extends Plural>({ plural, namespace, name }: Target<K>): Objects[K] {
    const found = this.#store.get(plural, namespace, name);
    if (found === undefined) throw notFound(resources[plural], name);
    return found;
  }

  /** @throws Refusal 400, 403, 404, 409 or 422 */
  create<K extends Plural>(plural: K, namespace: string | undefined, body: Json): Objects[K] {
    const resource = resources[plural];
    const { status, ...sent } = bodyObject(resource, body);
    checkFields(resource, { ...sent, ...(status === undefined ? {} : { status }) });
    const object = decoded(plural, resource, {
      ...sent,
      ...(resource.hasStatus || status === undefined ? {} : { status }),
      metadata: newMetadata(resource, metadataOf(sent), namespace),
    });
    const { name } = object.metadata;
    prepare(plural, object);
    if (namespace !== undefined && this.#store.get("namespaces", undefined, namespace) === undefined)
      throw notFound(resources.namespaces, namespace);
    const causes = causesOf(plural, object);
    if (causes.length > 0) throw invalid(resource, name, causes);
    if (this.#store.get(plural, namespace, name) !== undefined) throw alreadyExists(resource, name);
    if (plural === "pods") this.#admission.check(PodSchema.parse(object));
    return this.#store.add(plural, object);
  }

  /** @throws Refusal 400, 404, 409 or 422 */
  update<K extends Plural>(target: Target<K>, subresource: string, body: Json): Objects[K] {
    const resource = resources[target.plural];
    const before = this.get(target);
    const sent = bodyObject(resource, body);
    checkFields(resource, sent);
    return this.#replace(target.plural, before, subresource, sent);
  }

  /** @throws Refusal 400, 404, 409, 415 or 422 */
  patch<K extends Plural>(target: Target<K>, subresource: string, patch: Json, mediaType: string): Objects[K] {
    const before = this.get(target);
    const result = withoutNulls(patched(toJson(before), patch, mediaType));
    if (!isJsonObject(result)) throw badRequest("the patch leaves no object");
    const errors = strictErrors(result);
    if (errors !== "") {
      const message = `Invalid value: ${JSON.stringify(JSON.stringify(result))}: strict decoding error: ${errors}`;
      // The real server omits the object's kind and name here.
      const nothing = { plural: "", kind: "", group: "" };
      throw invalid(nothing, "", [{ reason: "FieldValueInvalid", message, field: "patch" }]);
    }
    return this.#replace(target.plural, before, subresource, result);
  }

  #replace<K extends Plural>(plural: K, before: Objects[K], subresource: string, sent: JsonObject): Objects[K] {
    const resource = resources[plural];
    const metadata = nextMetadata(resource, before, metadataOf(sent));
    const old = toJsonObject(before);
    const next: JsonObject = subresource === "" ? { ...sent, metadata } : old;
    if (resource.hasStatus) next["status"] = (subresource === "status" ? sent : old)["status"] ?? {};
    const object = decoded(plural, resource, next);
    prepare(plural, object);
    const causes = causesOf(plural, object, before);
    if (causes.length > 0) throw invalid(resource, before.metadata.name, causes);
    const { generation } = before.metadata;
    if (generation !== undefined && !isDeepStrictEqual(toJsonObject(object)["spec"], old["spec"]))
      object.metadata.generation = generation + 1;
    const after = this.#store.replace(plural, object);
    if (isReleased(plural, after)) this.#store.remove(plural, after);
    return after;
  }
}

const checkFields = ({ kind, version }: Resource, object: JsonObject): void => {
  const errors = strictErrors(object);
  if (errors === "") return;
  throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${errors}`);
};
