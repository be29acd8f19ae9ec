import { Option } from "@commander-js/extra-typings";
import { z } from "zod";
import { JobRequestSchema } from "../../../shared/api/job-request.ts";
import { CommandError, exitCodes } from "../failure.ts";

/** An option for each field of a job's request that has no option of its own, made from the field's schema. */

const FieldSchema = z.looseObject({
  type: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  enum: z.array(z.string()).optional(),
});

/** What options of other names, arguments, the environment or files give. */
const givenOtherwise: readonly string[] = [
  "inputPath",
  "inputType",
  "outputPath",
  "useSSL",
  "mapperName",
  "reducerName",
  "combinerName",
  "mapperArgs",
  "reducerArgs",
  "combinerArgs",
  "tags",
  "environment",
  "files",
  "archives",
  "inputStorageCredentials",
  "outputStorageCredentials",
  "inputStorageHeaders",
  "outputStorageHeaders",
  "notify",
];

/** Options whose names say more than their fields'. */
const otherNames: Readonly<Record<string, string>> = {
  nReducers: "reducers",
  deadlineSeconds: "deadline",
  startTimeoutSeconds: "start-timeout",
  taskTimeoutSeconds: "task-timeout",
  keepFailedSeconds: "keep-failed",
};

const podFields = new Set([
  "resources",
  "nodeSelector",
  "tolerations",
  "image",
  "imagePullSecrets",
  "serviceAccountName",
  "labels",
  "annotations",
  "queueName",
  "secretEnvironment",
]);

const optionName = (field: string): string =>
  otherNames[field] ?? field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const parseNumber = (text: string): number => {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) throw new CommandError(`'${text}' is not a number.`, exitCodes.usage);
  return value;
};

const parseJson = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    throw new CommandError(`'${text}' is not JSON, such as '{"cpu": "2"}'.`, exitCodes.usage);
  }
};

type FieldOption = { readonly field: string; readonly option: Option; readonly isOfPods: boolean };

const optionOf = (
  field: string,
  { type, description = "", default: fallback, enum: words }: z.infer<typeof FieldSchema>,
): Option => {
  const name = optionName(field);
  // The first sentence: the reference has the rest.
  const [text = ""] = description.split(/(?<=\.)\s/);
  const help = text.replace(/\.$/, "");
  if (type === "boolean") {
    const isOn = fallback === true || /^true by default/.test(description);
    return isOn ? new Option(`--no-${name}`, `turns off: ${help}`) : new Option(`--${name}`, help);
  }
  if (words !== undefined) return new Option(`--${name} <word>`, help).choices(words);
  if (type === "integer" || type === "number") return new Option(`--${name} <number>`, help).argParser(parseNumber);
  if (type === "string") return new Option(`--${name} <text>`, help);
  return new Option(`--${name} <json>`, help || `Field ${field} of the job, as JSON`).argParser(parseJson);
};

const makeOptions = (): FieldOption[] => {
  const { properties = {} } = z.toJSONSchema(JobRequestSchema, { io: "input", unrepresentable: "any" });
  return Object.entries(properties)
    .filter(([field]) => !givenOtherwise.includes(field))
    .map(([field, schema]) => ({
      field,
      option: optionOf(field, FieldSchema.parse(schema)),
      isOfPods: podFields.has(field),
    }));
};

export const fieldOptions: readonly FieldOption[] = makeOptions();

/** The fields that options were given for. @param values of all options, by their attribute names */
export const fieldsGiven = (values: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const given: Record<string, unknown> = {};
  for (const { field, option } of fieldOptions) {
    const value = values[option.attributeName()];
    // An option that turns something off is true while it is not given.
    if (value !== undefined && !(option.negate && value === true)) given[field] = value;
  }
  return given;
};
