import { CommandError, exitCodes } from "../failure.ts";
import { localKeys } from "../../../backend/host/local-access.ts";
import type { Credentials } from "../../../shared/api/storage-access.ts";
import type { Server } from "../server/server.ts";

/** The credentials of a store, from where AWS's own tools take them: never from arguments, which everybody on a machine can read. */

const fromAws = async (): Promise<Credentials | undefined> => {
  // Loaded where it is needed: it is large.
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  try {
    const { accessKeyId, secretAccessKey, sessionToken } = await defaultProvider({ maxRetries: 0, timeout: 1000 })();
    const region = process.env["AWS_REGION"] || process.env["AWS_DEFAULT_REGION"] || undefined;
    return { username: accessKeyId, password: secretAccessKey, sessionToken, region };
  } catch (error) {
    if (error instanceof Error && error.name === "CredentialsProviderError") {
      if (process.env["AWS_PROFILE"] === undefined) return undefined;
      throw new CommandError(`AWS_PROFILE cannot be used: ${error.message}`, exitCodes.usage, [], { cause: error });
    }
    throw error;
  }
};

let awsCredentials: Promise<Credentials | undefined> | undefined;

/**
 * What opens a store.
 * @param address of the store
 * @returns undefined where it needs none, or there are none: the runners may have an identity of their own
 */
export const credentialsFor = async (server: Server | undefined, address: string): Promise<Credentials | undefined> => {
  if (address.startsWith("file:")) return undefined;
  if (server?.isLocal === true && address.startsWith(server.s3Endpoint)) return localKeys;
  awsCredentials ??= fromAws();
  return await awsCredentials;
};
