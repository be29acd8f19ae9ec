import type { KubeObject } from "./object-schemas.ts";
import type { Plural } from "./resources.ts";
import { badRequest } from "./status.ts";

/** Whether an object is selected. */
export type Selector = (object: KubeObject) => boolean;

type Labels = Readonly<Record<string, string>>;

/** One condition of a label selector: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`. */
const labelRequirement = (text: string): ((labels: Labels) => boolean) => {
  const name = String.raw`([\w./-]+)`;
  const [, setKey, operator, list] = new RegExp(`^${name}\\s+(in|notin)\\s*\\(([^)]*)\\)$`).exec(text) ?? [];
  if (setKey !== undefined && list !== undefined) {
    const values = list.split(",").map((value) => value.trim());
    const isIn = (labels: Labels): boolean => labels[setKey] !== undefined && values.includes(labels[setKey]);
    return operator === "in" ? isIn : (labels) => !isIn(labels);
  }
  const [, key, sign, value = ""] = new RegExp(`^${name}\\s*(==?|!=)\\s*([\\w.-]*)$`).exec(text) ?? [];
  if (key !== undefined) return sign === "!=" ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  const [, not, present] = new RegExp(`^(!?)\\s*${name}$`).exec(text) ?? [];
  if (present === undefined) throw badRequest(`unable to parse requirement: ${text}`);
  return not === "!" ? (labels) => labels[present] === undefined : (labels) => labels[present] !== undefined;
};

/** Splits at commas outside parentheses. */
const parts = (selector: string): string[] =>
  selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== "");

/** @throws Refusal 400 if it cannot be parsed */
export const labelSelector = (selector: string): Selector => {
  const requirements = parts(selector).map(labelRequirement);
  return ({ metadata }) => requirements.every((holds) => holds(metadata.labels ?? {}));
};

const everywhere = ["metadata.name", "metadata.namespace"];

/** The fields that selectors can use. */
const fields: Readonly<Partial<Record<Plural, readonly string[]>>> = {
  pods: ["status.phase", "status.podIP", "spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName"],
  secrets: ["type"],
  events: [
    ...["apiVersion", "kind", "namespace", "name", "uid"].map((field) => `involvedObject.${field}`),
    "reason",
    "type",
  ],
};

const valueAt = (object: unknown, path: string): string => {
  let value = object;
  for (const step of path.split("."))
    value = typeof value === "object" && value !== null ? Object.entries(value).find(([key]) => key === step)?.[1] : "";
  return typeof value === "string" ? value : "";
};

type FieldRequirement = { readonly field: string; readonly value: string; readonly isEqual: boolean };

const fieldRequirements = (plural: Plural, selector: string): FieldRequirement[] =>
  parts(selector).map((part) => {
    const [, field = "", sign, value = ""] = /^([\w.]+)\s*(==?|!=)\s*(.*)$/.exec(part) ?? [];
    if (sign === undefined) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`);
    if (![...everywhere, ...(fields[plural] ?? [])].includes(field))
      throw badRequest(`field label not supported: ${field}`);
    return { field, value, isEqual: sign !== "!=" };
  });

/** @throws Refusal 400 if it cannot be parsed, or uses a field that this resource does not support */
export const fieldSelector = (plural: Plural, selector: string): Selector => {
  const requirements = fieldRequirements(plural, selector);
  return (object) => requirements.every(({ field, value, isEqual }) => (valueAt(object, field) === value) === isEqual);
};

/** The name that a field selector selects, if it does: such a request counts as one for that name. */
export const selectedName = (plural: Plural, selector: string): string =>
  fieldRequirements(plural, selector).find(({ field, isEqual }) => field === "metadata.name" && isEqual)?.value ?? "";
