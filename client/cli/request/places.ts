import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { formatAddress, formatInput, parseInput } from "../../../shared/address.ts";
import { CommandError, exitCodes } from "../failure.ts";
import type { Server } from "../server/server.ts";

/** Inputs and outputs as users write them: addresses of stores, or paths of this machine. */

/** Whether a text is the address of a store, such as `s3://bucket/key`. */
export const isAddress = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text);

const wildcard = /[*?[{]/;

const requireLocal = (server: Server, path: string): void => {
  if (server.isLocal) return;
  throw new CommandError(
    `${path} is on this machine, where the runners of ${server.url} cannot read it.`,
    exitCodes.usage,
    [`Copy it to a store first: edgefold cp ${path} s3://BUCKET/PREFIX/`],
  );
};

/** The address of an input. @throws CommandError if it is a path that does not exist, or that the runners cannot read */
export const inputAddress = (server: Server, text: string): string => {
  if (isAddress(text)) return text;
  requireLocal(server, text);
  const path = resolve(text);
  if (existsSync(path)) {
    const isFolder = statSync(path).isDirectory();
    return formatAddress({ scheme: "file", path: isFolder && path !== "/" ? `${path}/` : path });
  }
  if (!wildcard.test(text)) throw new CommandError(`There is no ${text}.`, exitCodes.unknown);
  // Wildcards stay what they are; all that has a meaning in URLs is written as an escape.
  const written = path.replace(/[%#]/g, (character) => encodeURIComponent(character)) + (text.endsWith("/") ? "/" : "");
  return formatInput(parseInput(`file://${written}`, false));
};

/** The address of an output. @throws CommandError if it is a path that the runners cannot write to */
export const outputAddress = (server: Server, text: string): string => {
  if (isAddress(text)) return text;
  requireLocal(server, text);
  return formatAddress({ scheme: "file", path: resolve(text) });
};
