import { z } from "zod";
import { isJsonObject, withoutNulls, type Json, type JsonObject } from "./json.ts";
import { apiVersionOf, parseObject, type Objects, type Plural, type Resource } from "./resources.ts";
import { unknownFields } from "./schema.ts";
import { badRequest } from "./status.ts";

/** The field errors of an object, in a strict decoder's words; empty if there are none. */
export const strictErrors = (object: JsonObject): string =>
  unknownFields(object)
    .map((fault) => fault.replace(/^(\S+) is unknown$/, 'unknown field "$1"'))
    .join(", ");

/** The object in a request's body, which may omit its kind. @throws Refusal 400 if it is not of this resource */
export const bodyObject = (resource: Resource, body: Json): JsonObject => {
  const object = withoutNulls(body);
  if (!isJsonObject(object)) throw badRequest("the body of the request is not an object");
  const { kind = resource.kind, apiVersion = apiVersionOf(resource) } = object;
  if (kind !== resource.kind || apiVersion !== apiVersionOf(resource)) {
    const got = `${JSON.stringify(apiVersion)}, Kind=${JSON.stringify(kind)}`;
    throw badRequest(`${got} cannot be handled as ${apiVersionOf(resource)}, Kind=${resource.kind}`);
  }
  return { ...object, kind, apiVersion };
};

/** The object's metadata, without `managedFields`. */
export const metadataOf = (object: JsonObject): JsonObject => {
  const { metadata } = object;
  if (!isJsonObject(metadata)) return {};
  const { managedFields: _, ...others } = metadata;
  return others;
};

/** @throws Refusal 400 if a field is missing or has the wrong type */
export const decoded = <K extends Plural>(plural: K, { kind, version }: Resource, object: JsonObject): Objects[K] => {
  try {
    return parseObject(plural, object);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const why = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join(", ");
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
  }
};
