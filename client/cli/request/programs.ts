import { createHash } from "node:crypto";
import { createReadStream, existsSync, openAsBlob, statSync } from "node:fs";
import { basename, extname } from "node:path";
import { parseArgsStringToArgv } from "string-argv";
import { EdgefoldError, type ArtifactType } from "../../sdk/index.ts";
import { CommandError, exitCodes } from "../failure.ts";
import type { Server } from "../server/server.ts";

/** Programs and files of this machine, uploaded under names that tell their content, so that nobody's are replaced. */

/** A program and its arguments, as one text in which quotes keep words together: `grep.py --ignore-case fold`. */
export const parseProgram = (text: string): { readonly program: string; readonly args: readonly string[] } => {
  const [program = "", ...args] = existsSync(text) ? [text] : parseArgsStringToArgv(text);
  return { program, args };
};

const hashOf = async (path: string): Promise<string> => {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
};

/** Characters of the file's name, and of the content's hash, in an artifact's name. */
const longestStem = 100;
const hashLength = 12;

const compressed = /\.(gz|zst|bz2|xz)$/;

const nameFor = (path: string, hash: string): string => {
  const name = basename(path).replace(/[^A-Za-z0-9._-]/g, "-");
  const outer = compressed.exec(name)?.[0] ?? "";
  const inner = extname(name.slice(0, name.length - outer.length));
  const extension = inner + outer;
  const stem = name.slice(0, name.length - extension.length).slice(0, longestStem);
  return `${stem}-${hash.slice(0, hashLength)}${extension}`;
};

/** Whether the server has this content under this name. */
const isThere = async ({ client }: Server, name: string, hash: string): Promise<boolean> => {
  try {
    return (await client.artifacts.get(name)).hash === hash;
  } catch (error) {
    if (error instanceof EdgefoldError && error.status === 404) return false;
    throw error;
  }
};

export type Uploaded = { readonly name: string; readonly isNew: boolean };

/** Uploads a file, unless its content is there already. @param as one of the names that it has for its user */
export const uploadFile = async (server: Server, path: string, type?: ArtifactType): Promise<Uploaded> => {
  if (!statSync(path).isFile()) {
    throw new CommandError(`${path} is not a file.`, exitCodes.usage, [
      "Pack a folder into an archive: tar czf NAME.tar.gz FOLDER",
    ]);
  }
  const hash = await hashOf(path);
  const name = nameFor(path, hash);
  if (await isThere(server, name, hash)) return { name, isNew: false };
  await server.client.artifacts.put(name, await openAsBlob(path), { type });
  return { name, isNew: true };
};

/** The name of the artifact that a program is: uploaded where it is a file of this machine. */
export const uploadProgram = async (server: Server, program: string): Promise<Uploaded> => {
  if (existsSync(program)) return await uploadFile(server, program);
  if (/[/\\]/.test(program)) throw new CommandError(`There is no file ${program}.`, exitCodes.unknown);
  return { name: program, isNew: false };
};

/** A file or archive in the working directory: `PATH`, or `NAME=PATH` where it has another name there. */
export const uploadPlacement = async (
  server: Server,
  text: string,
  type: "file" | "archive",
): Promise<{ readonly name: string; readonly as: string }> => {
  const [, as, path = text] = existsSync(text) ? [] : (/^([^=/]+)=(.+)$/s.exec(text) ?? []);
  if (!existsSync(path)) {
    if (/[/\\]/.test(path)) throw new CommandError(`There is no file ${path}.`, exitCodes.unknown);
    return { name: path, as: as ?? path };
  }
  // What is an executable is as good a file, and keeps its type for those who run it.
  const { name } = await uploadFile(server, path, type === "archive" ? type : undefined);
  return { name, as: as ?? basename(path) };
};
