import * as fc from "fast-check";
import { z } from "zod";
import { hostile, oddKeys, text } from "./values.ts";

/** The parts of JSON Schema that are used here, as zod generates them. */
type JsonSchema = {
  readonly $ref?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
};

const JsonSchemaSchema = z.custom<JsonSchema>((value) => typeof value === "object" && value !== null);

const matching = (pattern: string): fc.Arbitrary<string> => {
  try {
    return fc.stringMatching(new RegExp(pattern), { size: "-1" });
  } catch {
    return fc.string(); // fast-check does not support lookahead. Such strings are nearly valid at best.
  }
};

const ofSchema = (schema: JsonSchema, defs: Readonly<Record<string, JsonSchema>>): fc.Arbitrary<unknown> => {
  if (schema.$ref !== undefined) return ofSchema(defs[schema.$ref.replace(/^.*\//, "")] ?? {}, defs);
  if ("const" in schema) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => ofSchema(choice, defs)));
  switch (schema.type) {
    case "object":
      return objects(schema, defs);
    case "array": {
      const { items = {}, minItems = 0, maxItems = 5 } = schema;
      return fc.array(ofSchema(items, defs), { minLength: minItems, maxLength: Math.min(maxItems, minItems + 4) });
    }
    case "string": {
      const { pattern, minLength = 0, maxLength = 40 } = schema;
      if (pattern !== undefined) return matching(pattern).filter(({ length }) => length >= minLength);
      return fc.string({ unit: "binary", minLength, maxLength: Math.min(maxLength, minLength + 40) });
    }
    case "integer": {
      const least = schema.minimum ?? (schema.exclusiveMinimum ?? Number.MIN_SAFE_INTEGER - 1) + 1;
      const most = schema.maximum ?? Number.MAX_SAFE_INTEGER;
      return fc.oneof(fc.constantFrom(least, most), fc.integer({ min: least, max: Math.min(most, 2 ** 31) }));
    }
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true, min: schema.exclusiveMinimum ?? -1e300 });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return fc.jsonValue();
  }
};

const objects = (schema: JsonSchema, defs: Readonly<Record<string, JsonSchema>>): fc.Arbitrary<unknown> => {
  const { properties = {}, required = [], additionalProperties, propertyNames } = schema;
  if (typeof additionalProperties === "object" && Object.keys(properties).length === 0) {
    const key = propertyNames === undefined ? text : ofSchema({ type: "string", ...propertyNames }, defs);
    return fc
      .array(fc.tuple(key, ofSchema(additionalProperties, defs)), { maxLength: 3 })
      .map((entries) => Object.fromEntries(entries.map(([name, value]) => [String(name), value])));
  }
  const model = Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, ofSchema(part, defs)]));
  return fc.record(model, { requiredKeys: required.filter((name) => name in model), noNullPrototype: true });
};

/** Values that are valid as far as JSON Schema can tell. */
export const valid = (schema: z.ZodType): fc.Arbitrary<unknown> => {
  const whole = JsonSchemaSchema.parse(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));
  return ofSchema(whole, whole.$defs ?? {});
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Replaces or removes one part of a value, at any depth, or adds another beside it. */
const changed = (value: unknown, steps: readonly number[], by: unknown, how: "replace" | "remove" | "add"): unknown => {
  if (!isObject(value)) return by;
  const keys = Object.keys(value);
  const [step, ...more] = steps;
  const key = keys[(step ?? 0) % Math.max(1, keys.length)];
  if (step === undefined || key === undefined) {
    if (how === "replace") return by;
    const [first, ...rest] = Object.entries(value);
    if (how === "remove") return Array.isArray(value) ? value.slice(1) : Object.fromEntries(rest);
    const name = oddKeys[steps.length] ?? "unheard-of";
    return Array.isArray(value)
      ? [...value, by]
      : Object.fromEntries([...(first === undefined ? [] : [first]), ...rest, [name, by]]);
  }
  if (Array.isArray(value))
    return value.map((item, index) => (String(index) === key ? changed(item, more, by, how) : item));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, name === key ? changed(item, more, by, how) : item]),
  );
};

/** Values that are valid except in one place. */
export const nearlyValid = (schema: z.ZodType): fc.Arbitrary<unknown> =>
  fc
    .tuple(
      valid(schema),
      fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 3 }),
      hostile,
      fc.constantFrom("replace", "remove", "add" as const),
    )
    .map(([value, steps, by, how]) => changed(value, steps, by, how));
