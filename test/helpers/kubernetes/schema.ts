import * as k8s from "@kubernetes/client-node";
import { z } from "zod";

/**
 * The fields of an object that Kubernetes does not know or whose values have the wrong type, as paths with the reason:
 * `spec.template.spec.containers[0].cmd is unknown`. Checks the object as sent over the wire, where an undefined or null field
 * is unset. Quantities must be strings, although Kubernetes accepts numbers too.
 */
export const unknownFields = (object: object): string[] => {
  const wire: unknown = JSON.parse(JSON.stringify(object));
  const { apiVersion, kind } = isRecord(wire) ? wire : {};
  const model = modelOf(String(apiVersion), String(kind));
  return model === undefined
    ? [`kind ${String(kind)} is unknown in apiVersion ${String(apiVersion)}`]
    : faults(wire, model, "", "");
};

const FieldsSchema = z.array(z.object({ baseName: z.string(), type: z.string(), format: z.string() }));
type Fields = z.infer<typeof FieldsSchema>;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const is32Bit = (value: number): boolean => value >= -(2 ** 31) && value < 2 ** 31;
const matches = (value: unknown, pattern: RegExp): boolean => typeof value === "string" && pattern.test(value);

const exported: Readonly<Record<string, unknown>> = k8s;
const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** The fields of the model of this name. */
const fieldsOf = (model: string): Fields | undefined => {
  const type = exported[model];
  return typeof type === "function" && "getAttributeTypeMap" in type && typeof type.getAttributeTypeMap === "function"
    ? FieldsSchema.parse(type.getAttributeTypeMap())
    : undefined;
};

/** The name of a kind's model, if its API group has that kind. */
const modelOf = (apiVersion: string, kind: string): string | undefined => {
  const [group = "", version] = apiVersion.includes("/") ? apiVersion.split("/") : ["core", apiVersion];
  const prefix =
    group
      .replace(/\.k8s\.io$/, "")
      .split(".")
      .map(capitalized)
      .join("") + capitalized(version ?? "");
  const api = exported[`${prefix}Api`];
  const methods: unknown = typeof api === "function" ? api.prototype : undefined;
  const item = kind.replace(/List$/, "");
  const isListed = [`list${item}`, `listNamespaced${item}`].some((method) => isRecord(methods) && method in methods);
  if (!isListed) return undefined;
  // If several groups have a kind (Event), the model's name includes the group.
  return [`${prefix}${kind}`, `${capitalized(version ?? "")}${kind}`].find((model) => fieldsOf(model) !== undefined);
};

const faults = (value: unknown, type: string, format: string, path: string): string[] => {
  if (value === null || type === "any") return [];
  const array = /^Array<(.+)>$/.exec(type)?.[1];
  if (array !== undefined) {
    if (!Array.isArray(value)) return [`${path} is not a list`];
    return value.flatMap((item, index) => faults(item, array, format, `${path}[${index}]`));
  }
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  const fields = map === undefined ? fieldsOf(type) : undefined;
  if (map !== undefined || fields !== undefined) {
    if (!isRecord(value)) return [`${path} is not an object`];
    return Object.entries(value).flatMap(([key, entry]) => {
      const at = path === "" ? key : /^[\w-]+$/.test(key) ? `${path}.${key}` : `${path}["${key}"]`;
      if (map !== undefined) return faults(entry, map, format, at);
      const field = fields?.find(({ baseName }) => baseName === key);
      return field === undefined ? [`${at} is unknown`] : faults(entry, field.type, field.format, at);
    });
  }
  const [what, holds] = primitives[format] ?? primitives[type] ?? ["of a type that has a check", () => false];
  return holds(value) ? [] : [`${path} is not ${what}`];
};

const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
// Kubernetes requires exactly six digits.
const microTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

type Primitive = readonly [what: string, holds: (value: unknown) => boolean];

/** By format, otherwise by type. */
const primitives: Readonly<Record<string, Primitive>> = {
  string: ["a string", (value) => typeof value === "string"],
  boolean: ["a boolean", (value) => typeof value === "boolean"],
  number: ["a number", (value) => typeof value === "number"],
  double: ["a number", (value) => typeof value === "number"],
  int32: ["an integer of 32 bits", (value) => isInteger(value) && is32Bit(value)],
  int64: ["an integer", isInteger],
  "int-or-string": ["an integer or a string", (value) => isInteger(value) || typeof value === "string"],
  IntOrString: ["an integer or a string", (value) => isInteger(value) || typeof value === "string"],
  byte: ["Base64", (value) => matches(value, base64)],
  "date-time": ["a time", (value) => matches(value, dateTime)],
  "date-time-micro": ["a time with microseconds", (value) => matches(value, microTime)],
};
