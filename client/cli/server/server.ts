import { localR2EndpointPath } from "../../../shared/address.ts";
import { Edgefold } from "../../sdk/index.ts";
import { CommandError, exitCodes } from "../failure.ts";
import { say } from "../output.ts";
import { startLocal, runningLocal } from "./local.ts";
import { readProfiles, requireProfile, type Profile } from "./profiles.ts";

/** Which server a command works with. */

export type ServerOptions = {
  readonly server?: string | undefined;
  readonly profile?: string | undefined;
};

export type Server = {
  readonly client: Edgefold;
  /** Without a slash at the end. */
  readonly url: string;
  /** Whether it is on this machine, so that its runners read the files that this command reads. */
  readonly isLocal: boolean;
  /** Whether it was started for this command, and ends with it. */
  readonly isOwn: boolean;
  /** The S3 endpoint that a local one has. */
  readonly s3Endpoint: string;
};

/** Whether a host name of a URL is this machine's own. */
export const isLoopback = (hostname: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);

const withoutSlash = (url: string): string => url.replace(/\/+$/, "");

/** @throws CommandError where the URL or the token cannot be one */
export const serverOf = (url: string, token: string | undefined, isOwn: boolean): Server => {
  const href = withoutSlash(url);
  let client: Edgefold;
  try {
    client = new Edgefold({ url: href, token });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`The server cannot be used: ${reason}.`, exitCodes.usage);
  }
  const isLocal = isLoopback(new URL(href).hostname);
  return { client, url: href, isLocal, isOwn, s3Endpoint: href + localR2EndpointPath };
};

/** What the user has set; undefined where nothing is. */
const chosen = ({ server, profile }: ServerOptions): Profile | undefined => {
  const url = server ?? (profile === undefined ? process.env["EDGEFOLD_SERVER"] || undefined : undefined);
  const token = process.env["EDGEFOLD_TOKEN"] || undefined;
  const { current, profiles } = readProfiles();
  if (url !== undefined) {
    const known = Object.values(profiles).find((each) => each.server === withoutSlash(url));
    return { server: url, token: token ?? known?.token };
  }
  const name = profile ?? (process.env["EDGEFOLD_PROFILE"] || undefined) ?? current;
  if (name === undefined) return undefined;
  const found = requireProfile(name);
  return { ...found, token: token ?? found.token };
};

/**
 * Does something with the server that the options, the environment or the current profile name. Where none of them does, it is the
 * local one: the one that `edgefold dev` runs, or one that is started for this and ends with it.
 */
export const withServer = async <T>(options: ServerOptions, work: (server: Server) => Promise<T>): Promise<T> => {
  const set = chosen(options);
  if (set !== undefined) return await work(serverOf(set.server, set.token, false));
  const running = runningLocal();
  if (running !== undefined) return await work(serverOf(running, undefined, false));
  const local = await startLocal();
  try {
    return await Promise.race([work(serverOf(local.url, undefined, true)), local.failed]);
  } finally {
    await local.stop().catch((error: unknown) => say(String(error)));
  }
};
