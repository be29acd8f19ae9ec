import { z } from "zod";
import { isJsonObject, withoutNulls, type Json, type JsonObject } from "./json.ts";
import { apiVersionOf, parseObject, type Objects, type Plural, type Resource } from "./resources.ts";
import { unknownFields } from "./schema.ts";
import { badRequest } from "./status.ts";

/** What is wrong with the fields of an object, as a strict decoder says it; empty where nothing is. */
export const strictErrors = (object: JsonObject): string =>
  unknownFields(object)
    .map((fault) => fault.replace(/^(\S+) is unknown$/, 'unknown field "$1"'))
    .join(", ");

/** The object in a request's body, which need not say of what kind it is. @throws Refusal 400 where it is none of this resource */
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

/** The object's metadata; others that it has than those that are kept are dropped. */
export const metadataOf = (object: JsonObject): JsonObject => {
  const { metadata } = object;
  if (!isJsonObject(metadata)) return {};
  const { managedFields: _, ...others } = metadata;
  return others;
};

/** @throws Refusal 400 where a field is missing or of a wrong type */
export const decoded = <K extends Plural>(plural: K, { kind, version }: Resource, object: JsonObject): Objects[K] => {
  try {
    return parseObject(plural, object);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const why = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join(", ");
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
  }
};
