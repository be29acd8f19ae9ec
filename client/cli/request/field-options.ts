import { Option } from "@commander-js/extra-typings";
import { requestFields, type RequestField } from "../../show/request-fields.ts";
import { CommandError, exitCodes } from "../failure.ts";

/** An option for each field of a job's request that has no option of its own, made from the field's schema. */

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

/** What options do whose fields' descriptions begin with something else. */
const helps: Readonly<Record<string, string>> = {
  name: "what people call the job",
  inputCompression: "auto decompresses .gz, .zst and .bz2; none reads objects as they are",
  aggregate: "combine the values of each key in this way, in place of a reducer and a combiner",
  secretEnvironment: "variables from Secrets of the jobs' namespace: {NAME: {secretName, key}}",
  nReducers: "reduce tasks, 1 by default; 0 makes the job map-only",
  combineInputs: "let a map read several small objects together",
  cluster: "where the job runs",
  maxLosses: "losses of one task, such as of its runner, after which the job fails",
  keepFailedSeconds: "seconds for which the work of a failed job is kept, so that it can be resumed",
  speculation: "no second attempts of tasks that take much longer than others",
  logs: "keep no logs of the programs",
  nodeSelector: "labels of the nodes that pods may run on",
  tolerations: "taints that pods tolerate, as in a pod's spec",
  imagePullSecrets: "names of Secrets to pull the image with",
  labels: "labels of the pods",
  annotations: "annotations of the pods",
};

const lowerFirst = (text: string): string =>
  /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;

const helpOf = (field: string, description: string): string => {
  // The first sentence: the reference has the rest.
  const [text = ""] = description.split(/(?<=\.)\s/);
  return helps[field] ?? lowerFirst(text.replace(/\.$/, ""));
};

const optionOf = ({ name: field, type, description = "", default: fallback, enum: words }: RequestField): Option => {
  const name = optionName(field);
  const help = helpOf(field, description);
  if (type === "boolean") {
    const isOn = fallback === true || description.startsWith("true by default");
    return new Option(isOn ? `--no-${name}` : `--${name}`, help);
  }
  if (words !== undefined) return new Option(`--${name} <word>`, help).choices(words);
  if (type === "integer" || type === "number") return new Option(`--${name} <number>`, help).argParser(parseNumber);
  if (type === "string") return new Option(`--${name} <text>`, help);
  return new Option(`--${name} <json>`, help).argParser(parseJson);
};

export const fieldOptions: readonly FieldOption[] = requestFields()
  .filter(({ name }) => !givenOtherwise.includes(name))
  .map((field) => ({ field: field.name, option: optionOf(field), isOfPods: podFields.has(field.name) }));

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
