import { randomInt, randomUUID } from "node:crypto";
import { toJsonObject, type JsonObject } from "./json.ts";
import { required } from "./metadata-validation.ts";
import type { KubeObject } from "./object-schemas.ts";
import type { Resource } from "./resources.ts";
import { badRequest, conflict, invalid } from "./status.ts";
import { timestamp } from "./time.ts";

const letters = "bcdfghjklmnpqrstvwxz2456789";

/** A random name with this prefix. */
export const generatedName = (prefix: string): string =>
  prefix.slice(0, 58) + Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join("");

/** Fields that only the server sets. */
const serversOwn = [
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generation",
];

const withoutServersOwn = (metadata: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(metadata).filter(([field]) => !serversOwn.includes(field)));

/** The metadata of a new object. @throws Refusal if it has no name or belongs to another namespace */
export const newMetadata = (resource: Resource, sent: JsonObject, namespace: string | undefined): JsonObject => {
  const { name, generateName, resourceVersion } = sent;
  if (typeof resourceVersion === "string" && resourceVersion !== "")
    throw badRequest("resourceVersion should not be set on objects to be created");
  checkNamespace(sent, namespace);
  const prefix = typeof generateName === "string" ? generateName : "";
  const given = typeof name === "string" && name !== "" ? name : undefined;
  if (given === undefined && prefix === "")
    throw invalid(resource, "", [required("metadata.name", "name or generateName is required")]);
  return {
    ...withoutServersOwn(sent),
    name: given ?? generatedName(prefix),
    ...(namespace === undefined ? {} : { namespace }),
    uid: randomUUID(),
    resourceVersion: "",
    creationTimestamp: timestamp(),
  };
};

/** The metadata of an object that replaces another. @throws Refusal if it is meant for a different object or an older version */
export const nextMetadata = (resource: Resource, before: KubeObject, sent: JsonObject): JsonObject => {
  const old = toJsonObject(before.metadata);
  const { name, namespace, uid, resourceVersion } = before.metadata;
  checkNamespace(sent, namespace);
  if (sent["name"] !== name)
    throw badRequest(
      `the name of the object (${JSON.stringify(sent["name"])}) does not match the name on the URL (${name})`,
    );
  if (sent["uid"] !== undefined && sent["uid"] !== uid) {
    const uids = `UID in precondition: ${JSON.stringify(sent["uid"])}, UID in object meta: ${uid}`;
    throw conflict(resource, name, `Precondition failed: ${uids}`);
  }
  if (sent["resourceVersion"] !== undefined && sent["resourceVersion"] !== resourceVersion)
    throw conflict(resource, name);
  return {
    ...withoutServersOwn(sent),
    ...Object.fromEntries(Object.entries(old).filter(([field]) => [...serversOwn, "namespace"].includes(field))),
  };
};

const checkNamespace = (sent: JsonObject, namespace: string | undefined): void => {
  if (namespace === undefined || sent["namespace"] === undefined || sent["namespace"] === namespace) return;
  throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
};
