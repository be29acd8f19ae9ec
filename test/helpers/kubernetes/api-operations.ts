import { z } from "zod";
import type { ApiRequest } from "./api-request.ts";
import { DeleteOptionsSchema, type Deletion, type DeleteOptions } from "./deletion.ts";
import { isJsonObject, toJsonObject, type Json, type JsonObject } from "./json.ts";
import { listObjects } from "./object-list.ts";
import type { Registry } from "./registry.ts";
import { badRequest, methodNotAllowed } from "./status.ts";
import type { Store } from "./store.ts";

export type Body = { readonly json: Json; readonly mediaType: string };
export type Answer = { readonly code: number; readonly json: JsonObject };

/** Carries out all requests except watches. */
export class ApiOperations {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #deletion: Deletion;

  constructor(store: Store, registry: Registry, deletion: Deletion) {
    this.#store = store;
    this.#registry = registry;
    this.#deletion = deletion;
  }

  /** @throws Refusal if the request is not carried out */
  perform(request: ApiRequest, { json, mediaType }: Body): Answer {
    const { verb, resource, subresource, namespace, name, query } = request;
    const { plural } = resource;
    const target = { plural, namespace, name };
    if (query.has("dryRun")) throw badRequest("this server has no dry runs");
    switch (verb) {
      case "get":
        return ok(this.#registry.get(target));
      case "list":
        return { code: 200, json: listObjects(this.#store, resource, namespace, query) };
      case "create":
        return { ...ok(this.#registry.create(plural, namespace, json)), code: 201 };
      case "update":
        return ok(this.#registry.update(target, subresource, json));
      case "patch":
        return ok(this.#registry.patch(target, subresource, json, mediaType));
      case "delete":
        return this.#delete(request, json);
      case "watch":
        throw methodNotAllowed();
    }
  }

  #delete({ resource: { plural, group }, namespace, name, query }: ApiRequest, body: Json): Answer {
    const object = this.#registry.get({ plural, namespace, name });
    const left = this.#deletion.delete(plural, object, deleteOptions(body, query));
    if (left !== undefined || plural === "pods") return ok(left ?? object);
    const details = { name, ...(group === "" ? {} : { group }), kind: plural, uid: object.metadata.uid };
    return { code: 200, json: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details } };
  }
}

const ok = (object: object): Answer => ({ code: 200, json: toJsonObject(object) });

const deleteOptions = (body: Json, query: URLSearchParams): DeleteOptions => {
  const grace = query.get("gracePeriodSeconds");
  const policy = query.get("propagationPolicy");
  const options = DeleteOptionsSchema.safeParse({
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(isJsonObject(body) ? body : {}),
  });
  if (options.success) return options.data;
  throw badRequest(`DeleteOptions: ${z.prettifyError(options.error)}`);
};
