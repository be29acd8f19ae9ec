import { z } from "zod";
import type { JobRequest } from "../../shared/api/job-request.ts";
import { StorageAccessSchema } from "../../shared/api/storage-access.ts";
import type { Env } from "../env.ts";
import { openCredentials, sealCredentials, UnopenableError } from "../secrets/sealed.ts";

const HeadersSchema = z.record(z.string(), z.string());

/** What a job keeps sealed. Those of older jobs have no headers. */
const SecretsSchema = z.object({
  input: StorageAccessSchema.optional(),
  output: StorageAccessSchema.optional(),
  inputHeaders: HeadersSchema.optional(),
  outputHeaders: HeadersSchema.optional(),
});
export type Secrets = z.infer<typeof SecretsSchema>;

/** Why a job fails whose credentials cannot be opened. */
export const keyLost = {
  code: "KeyMissing",
  message:
    "The job was posted under a key that is neither the Worker's SECRET_KEY nor its SECRET_KEY_PREVIOUS, so that its " +
    "credentials cannot be opened. What is left of it lies under its shuffle and output folders.",
};

/** The fields of a request whose values can be secret. */
const secretFields = [
  "inputStorageCredentials",
  "outputStorageCredentials",
  "inputStorageHeaders",
  "outputStorageHeaders",
  "notify",
] as const;

/** The names of those that must be kept sealed. That of a Secret of the cluster is no secret itself. */
const sealedFieldsOf = (request: JobRequest): string[] =>
  secretFields.filter((field) => {
    const value = request[field];
    return value !== undefined && !("secretName" in value);
  });

type SplitRequest = {
  readonly open: JobRequest;
  /** The fields that are missing in `open`. */
  readonly sealed: string[];
  /** What runners need. */
  readonly secrets: Secrets;
  /** Where the job's end is notified. Whoever has such a URL can often write there, as with a chat's webhook. */
  readonly notifyUrl: string | undefined;
};

/** Takes what must be kept sealed out of a request. */
export const splitSecrets = (request: JobRequest): SplitRequest => {
  const sealed = sealedFieldsOf(request);
  const secrets = {
    input: request.inputStorageCredentials,
    output: request.outputStorageCredentials,
    inputHeaders: request.inputStorageHeaders,
    outputHeaders: request.outputStorageHeaders,
  };
  const open = { ...request, ...Object.fromEntries(sealed.map((field) => [field, undefined])) };
  return { open, sealed, secrets, notifyUrl: request.notify?.url };
};

/** The secrets of a job that is resumed: those that it has kept, but for the fields of its request that are replaced. */
export const replaceSecrets = (kept: Secrets, request: JobRequest, changed: readonly string[]): Secrets => {
  const { secrets } = splitSecrets(request);
  const isReplaced = (field: (typeof secretFields)[number]): boolean => changed.includes(field);
  return {
    input: (isReplaced("inputStorageCredentials") ? secrets : kept).input,
    output: (isReplaced("outputStorageCredentials") ? secrets : kept).output,
    inputHeaders: (isReplaced("inputStorageHeaders") ? secrets : kept).inputHeaders,
    outputHeaders: (isReplaced("outputStorageHeaders") ? secrets : kept).outputHeaders,
  };
};

/** What a job keeps sealed: its credentials, and where its end is notified; null where it is not. */
export type Sealed = { readonly secrets: string; readonly notifyUrl: string | null };

export const seal = async (
  env: Env,
  jobId: string,
  secrets: Secrets,
  notifyUrl: string | undefined,
): Promise<Sealed> => ({
  secrets: await sealCredentials(env, jobId, JSON.stringify(secrets)),
  notifyUrl: notifyUrl === undefined ? null : await sealCredentials(env, jobId, notifyUrl),
});

/** @returns undefined where the key is lost that they were sealed with */
export const openSecrets = async (
  env: Env,
  jobId: string,
  sealed: string | undefined,
): Promise<Secrets | undefined> => {
  if (sealed === undefined) return {};
  try {
    return SecretsSchema.parse(JSON.parse(await openCredentials(env, jobId, sealed)));
  } catch (error) {
    if (!(error instanceof UnopenableError)) throw error;
    console.error(`the credentials of job ${jobId} cannot be opened: ${error.message}`);
    return undefined;
  }
};
