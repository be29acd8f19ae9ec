import { isDeepStrictEqual } from "node:util";
import { isJsonObject, type Json } from "./json.ts";
import { badRequest, Refusal, unsupportedMediaType } from "./status.ts";

/** RFC 7396. Lists are replaced as a whole. */
const merged = (target: Json | undefined, patch: Json): Json => {
  if (!isJsonObject(patch)) return patch;
  const result = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
};

const rejected = (): Refusal =>
  new Refusal(422, "Invalid", "the server rejected our request due to an error in our request", {});

const stepsOf = (pointer: string): string[] => {
  if (!pointer.startsWith("/")) throw rejected();
  return pointer
    .slice(1)
    .split("/")
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
};

const child = (parent: Json, step: string): Json | undefined => {
  if (Array.isArray(parent)) return parent[Number(step)];
  return isJsonObject(parent) && Object.hasOwn(parent, step) ? parent[step] : undefined;
};

const at = (document: Json, steps: readonly string[]): Json => {
  let value = document;
  for (const step of steps) {
    const next = child(value, step);
    if (next === undefined) throw rejected();
    value = next;
  }
  return value;
};

/** Sets a field or inserts into a list (`-` is its end); without a value, removes the field or item. */
const put = (parent: Json, step: string, value: Json | undefined, insert: boolean): void => {
  if (Array.isArray(parent)) {
    const index = step === "-" ? parent.length : Number(step);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) throw rejected();
    parent.splice(index, insert ? 0 : 1, ...(value === undefined ? [] : [value]));
  } else if (!isJsonObject(parent)) throw rejected();
  else if (value === undefined) delete parent[step];
  else parent[step] = value;
};

/** RFC 6902, in place. */
const operate = (document: Json, operation: Json): void => {
  if (!isJsonObject(operation)) throw rejected();
  const { op, path, from, value } = operation;
  if (typeof path !== "string") throw rejected();
  const steps = stepsOf(path);
  const last = steps.pop() ?? "";
  const parent = at(document, steps);
  if (op === "test") {
    if (!isDeepStrictEqual(child(parent, last), value)) throw rejected();
  } else if (op === "add" || op === "replace") {
    if (value === undefined || (op === "replace" && child(parent, last) === undefined)) throw rejected();
    put(parent, last, value, op === "add");
  } else if (op === "remove") {
    if (child(parent, last) === undefined) throw rejected();
    put(parent, last, undefined, false);
  } else if ((op === "move" || op === "copy") && typeof from === "string") {
    const moved = structuredClone(at(document, stepsOf(from)));
    if (op === "move") operate(document, { op: "remove", path: from });
    operate(document, { op: "add", path, value: moved });
  } else throw rejected();
};

/** Applies a patch of this media type to a document. Strategic merge patches are treated as merge patches. */
export const patched = (document: Json, patch: Json, mediaType: string): Json => {
  switch (mediaType) {
    case "application/merge-patch+json":
    case "application/strategic-merge-patch+json":
      if (!isJsonObject(patch)) throw badRequest("the patch is not an object");
      return merged(document, patch);
    case "application/json-patch+json": {
      if (!Array.isArray(patch)) throw badRequest("the patch is not a list of operations");
      const result = structuredClone(document);
      for (const operation of patch) operate(result, operation);
      return result;
    }
    default:
      throw unsupportedMediaType();
  }
};
