import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { CommandError, exitCodes } from "../failure.ts";
import type { Server } from "../server/server.ts";
import { credentialsFor } from "./credentials.ts";
import { fieldsGiven } from "./field-options.ts";
import { inputAddress, isAddress, outputAddress } from "./places.ts";
import { parseProgram, uploadPlacement, uploadProgram } from "./programs.ts";

/** A job's request, from a file and options: programs and files of this machine are uploaded on the way. */

const Words = z.array(z.string()).optional();

/** What the options of `run`, `rerun` and `resume` have in common. */
export const JobOptionsSchema = z.looseObject({
  mapper: z.string().optional(),
  reducer: z.string().optional(),
  combiner: z.string().optional(),
  file: Words,
  archive: Words,
  env: Words,
  tag: Words,
  notify: z.string().optional(),
  inputSecret: z.string().optional(),
  outputSecret: z.string().optional(),
  credentials: z.enum(["aws", "none"]).default("aws"),
});
export type JobOptions = z.infer<typeof JobOptionsSchema>;

/** A job in a file: fields of the request, and the programs, inputs and outputs as the options take them. */
const SpecSchema = z.looseObject({
  mapper: z.string().optional(),
  reducer: z.string().optional(),
  combiner: z.string().optional(),
  input: z.string().optional(),
  output: z.string().optional(),
});
export type Spec = z.infer<typeof SpecSchema> & { readonly folder?: string };

/** Reads a job from a YAML or JSON file. Paths in it count from the file's folder. */
export const readSpec = (file: string): Spec => {
  let content: unknown;
  try {
    content = parse(readFileSync(file, "utf8"));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`${file} cannot be read: ${reason}`, exitCodes.usage, [], { cause });
  }
  const parsed = SpecSchema.safeParse(content);
  if (!parsed.success)
    throw new CommandError(`${file} does not describe a job: ${z.prettifyError(parsed.error)}`, exitCodes.usage);
  return { ...parsed.data, folder: dirname(resolve(file)) };
};

/** Reads `KEY=VALUE`, the form of options that can be given several times. */
const pairsOf = (option: string, texts: readonly string[] | undefined): Record<string, string> | undefined => {
  if (texts === undefined) return undefined;
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf("=");
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new CommandError(`--${option} ${text} must be KEY=VALUE.`, exitCodes.usage);
    }),
  );
};

const roles = ["mapper", "reducer", "combiner"] as const;

type Say = (text: string) => void;

/** The fields that the options ask for, besides inputs, outputs and credentials. */
export const fieldsOf = async (server: Server, options: JobOptions, say: Say): Promise<Record<string, unknown>> => {
  const fields: Record<string, unknown> = fieldsGiven(options);
  for (const role of roles) {
    const text = options[role];
    if (text === undefined) continue;
    const { program, args } = parseProgram(text);
    const { name, isNew } = await uploadProgram(server, program);
    if (name !== program) say(`${role} ${program} ${isNew ? "uploaded as" : "is there already as"} ${name}`);
    fields[`${role}Name`] = name;
    if (args.length > 0) fields[`${role}Args`] = args;
  }
  for (const type of ["file", "archive"] as const) {
    const texts = options[type];
    if (texts === undefined) continue;
    fields[`${type}s`] = await Promise.all(texts.map(async (text) => await uploadPlacement(server, text, type)));
  }
  const { notify } = options;
  const others = {
    environment: pairsOf("env", options.env),
    tags: pairsOf("tag", options.tag),
    notify: notify === undefined ? undefined : { url: notify },
    inputStorageCredentials: options.inputSecret === undefined ? undefined : { secretName: options.inputSecret },
    outputStorageCredentials: options.outputSecret === undefined ? undefined : { secretName: options.outputSecret },
  };
  for (const [field, value] of Object.entries(others)) if (value !== undefined) fields[field] = value;
  return fields;
};

const ofReducer = ["reducerName", "reducerArgs", "combinerName", "combinerArgs"];

/** The fields of an earlier request that make no sense beside new ones: a reducer and an aggregate take each other's place. */
export const supersededBy = (fields: Readonly<Record<string, unknown>>): string[] => {
  if (fields["aggregate"] !== undefined) return ofReducer.filter((field) => fields[field] === undefined);
  return fields["reducerName"] === undefined ? [] : ["aggregate"];
};

/** Adds the credentials of the stores that need some, and for which none are given. */
export const addCredentials = async (
  server: Server,
  fields: Record<string, unknown>,
  places: { readonly inputPath: string; readonly outputPath: string },
  { credentials }: JobOptions,
): Promise<void> => {
  for (const [place, field] of [
    ["inputPath", "inputStorageCredentials"],
    ["outputPath", "outputStorageCredentials"],
  ] as const) {
    if (fields[field] !== undefined || credentials === "none") continue;
    const found = await credentialsFor(places[place], server);
    if (found !== undefined) fields[field] = found;
  }
};

/** The fields of a request that a file gives; its paths become addresses, and its programs are uploaded. */
const fieldsOfSpec = async (server: Server, { folder = ".", input, output, ...spec }: Spec, say: Say) => {
  const path = (text: string): string => (isAddress(text) ? text : resolve(folder, text));
  const programs: Record<string, string> = {};
  for (const role of roles) {
    const text = spec[role];
    if (text !== undefined) programs[role] = text;
    delete spec[role];
  }
  const here = process.cwd();
  process.chdir(folder);
  try {
    const fields = await fieldsOf(server, JobOptionsSchema.parse(programs), say);
    return {
      fields: { ...spec, ...fields },
      input: input === undefined ? undefined : inputAddress(server, path(input)),
      output: output === undefined ? undefined : outputAddress(server, path(output)),
    };
  } finally {
    process.chdir(here);
  }
};

type Places = { readonly input: string | undefined; readonly output: string | undefined };

/** The whole request of a new job. @throws CommandError where something is missing */
export const buildRequest = async (
  server: Server,
  options: JobOptions,
  { input, output }: Places,
  spec: Spec,
  say: Say,
): Promise<Record<string, unknown>> => {
  const fromSpec = await fieldsOfSpec(server, spec, say);
  const given = await fieldsOf(server, options, say);
  const superseded = supersededBy(given);
  const kept = Object.entries(fromSpec.fields).filter(([field]) => !superseded.includes(field));
  const fields: Record<string, unknown> = { ...Object.fromEntries(kept), ...given };
  const inputPath = input === undefined ? (fromSpec.input ?? fields["inputPath"]) : inputAddress(server, input);
  const outputPath = output === undefined ? (fromSpec.output ?? fields["outputPath"]) : outputAddress(server, output);
  if (typeof inputPath !== "string") {
    throw new CommandError("INPUT is missing.", exitCodes.usage, [
      "Name a file, a folder or a pattern, here or in a store.",
    ]);
  }
  if (typeof outputPath !== "string") {
    throw new CommandError("OUTPUT is missing.", exitCodes.usage, [
      "Name a folder, here or in a store: out/ or s3://BUCKET/PREFIX/",
    ]);
  }
  if (fields["mapperName"] === undefined) {
    throw new CommandError("--mapper is missing.", exitCodes.usage, [
      "Give a program of this machine, or the name of an artifact.",
    ]);
  }
  // Without a reducer there is nothing to reduce.
  const isReduced = fields["reducerName"] !== undefined || fields["aggregate"] !== undefined;
  if (!isReduced && fields["nReducers"] === undefined) fields["nReducers"] = 0;
  const request = { ...fields, inputPath, outputPath };
  await addCredentials(server, request, { inputPath, outputPath }, options);
  return request;
};
