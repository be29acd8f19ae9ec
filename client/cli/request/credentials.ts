import { localR2EndpointPath } from "../../../shared/address.ts";
import type { Credentials } from "../../../shared/api/storage-access.ts";
import { localKeys } from "../../../backend/host/local-access.ts";
import { CommandError, exitCodes } from "../failure.ts";
import { isLoopback, type Server } from "../server/server.ts";

/** The credentials of a store, from where AWS's own tools take them: never from arguments, which everybody on a machine can read. */

const fromAws = async (): Promise<Credentials | undefined> => {
  // Loaded where it is needed: it is large.
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  try {
    const { accessKeyId, secretAccessKey, sessionToken } = await defaultProvider({ maxRetries: 0, timeout: 1000 })();
    const region = process.env["AWS_REGION"] || process.env["AWS_DEFAULT_REGION"] || undefined;
    return { username: accessKeyId, password: secretAccessKey, sessionToken, region };
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "CredentialsProviderError") throw error;
    if (process.env["AWS_PROFILE"] === undefined) return undefined;
    throw new CommandError(`AWS_PROFILE cannot be used: ${error.message}`, exitCodes.usage, [], { cause: error });
  }
};

let awsCredentials: Promise<Credentials | undefined> | undefined;

/** Whether an address leads to the S3 endpoint of an Edgefold on this machine, whose keys everybody knows. */
const isOfHost = (address: string): boolean => {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return url !== undefined && isLoopback(url.hostname) && url.pathname.startsWith(localR2EndpointPath);
};

/** The endpoint of addresses that name none, where it is that of the server: the environment goes before it. */
export const ownEndpoint = (server: Server | undefined): string | undefined =>
  server?.isLocal === true && !process.env["AWS_ENDPOINT_URL_S3"] && !process.env["AWS_ENDPOINT_URL"]
    ? server.s3Endpoint
    : undefined;

/**
 * What opens a store.
 * @param address of the store
 * @param server whose endpoint an address without one means
 * @returns undefined where it needs none, or there are none: the runners may have an identity of their own
 */
export const credentialsFor = async (address: string, server?: Server): Promise<Credentials | undefined> => {
  if (address.startsWith("file:")) return undefined;
  if (isOfHost(address) || (address.startsWith("s3://") && ownEndpoint(server) !== undefined)) return localKeys;
  awsCredentials ??= fromAws();
  return await awsCredentials;
};
