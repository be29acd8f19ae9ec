import { link, mkdir, readFile, rename, stat, symlink } from "node:fs/promises";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import type { Artifact } from "../../shared/api/artifacts.ts";
import type { PlacedArtifact } from "../../shared/api/placements.ts";
import { isTypeScript } from "../../shared/module-contract.ts";
import type { RunnerJob } from "../../shared/protocol/runner.ts";
import type { ProgramRole } from "../../shared/protocol/tasks.ts";
import { isCommand } from "../../shared/wasm-contract.ts";
import { readWasm } from "../../shared/wasm-module.ts";
import { setFolderModes } from "../folders.ts";
import { hasCode } from "../storage/file-failure.ts";
import { unpackArchive } from "./archives/unpack.ts";
import type { AttemptContext } from "./attempt-context.ts";
import type { ArtifactProgram, Program } from "./programs/program.ts";

/**
 * Returns the directory that an attempt's programs run in. It contains the job's files and archives and the programs themselves,
 * and is removed with the attempt. All attempts of a runner share the contents.
 */
export const workingDirectory = ({ workDir }: Pick<AttemptContext, "workDir">): string => join(workDir, "home");

type Contents = {
  /** Fetches the content of an artifact. @returns its path on this disk */
  content(artifact: Artifact): Promise<string>;
};

/**
 * Creates the directory and places the job's files and archives in it.
 * @returns the folders with the unpacked archives
 * @throws ArchiveError
 */
export const placeFiles = async (
  job: RunnerJob,
  context: Pick<AttemptContext, "workDir" | "signal" | "progress">,
  contents: Contents,
): Promise<string[]> => {
  const directory = workingDirectory(context);
  await mkdir(directory);
  for (const file of job.files ?? []) await placeFile(await contents.content(file), join(directory, file.as));
  const folders: string[] = [];
  for (const archive of job.archives ?? []) {
    const folder = await unpacked(archive, await contents.content(archive), context);
    await symlink(folder, join(directory, archive.as));
    folders.push(folder);
  }
  return folders;
};

/** Places a program of the job in the working directory. @throws Error if the job has no program in that role */
export const placeProgram = async (
  { programs }: RunnerJob,
  role: "mapper" | "reducer",
  context: AttemptContext,
  contents: Contents,
): Promise<Program> => {
  const ref = programs[role];
  if (ref === undefined) throw new Error(`the job has no ${role}`);
  return ref.type === "builtin" ? { role, ...ref } : await placeArtifact(role, ref, context, contents);
};

/** Places the job's combiner, if it has one. */
export const placeCombiner = async (
  { programs: { combiner } }: RunnerJob,
  context: AttemptContext,
  contents: Contents,
): Promise<ArtifactProgram | undefined> => combiner && (await placeArtifact("combiner", combiner, context, contents));

type ArtifactRef = NonNullable<RunnerJob["programs"]["combiner"]>;

const placeArtifact = async (
  role: ProgramRole,
  ref: ArtifactRef,
  context: AttemptContext,
  contents: Contents,
): Promise<ArtifactProgram> => {
  const { name, type, args = [] } = ref;
  // Keep the program's own name, because its error messages show it.
  const path = join(workingDirectory(context), type === "module" ? moduleFile(name) : basename(name));
  await placeFile(await contents.content(ref), path);
  return { role, name, type: type === "wasm" ? await formOf(path) : type, path, args };
};

/** What a module in WebAssembly is. One that is no program at all is told so when it is loaded. */
const formOf = async (path: string): Promise<"wasm" | "command"> => {
  try {
    return isCommand(readWasm(await readFile(path))) ? "command" : "wasm";
  } catch {
    return "wasm";
  }
};

/** Returns a module's file name, with an extension that makes Node.js treat the file as an ES module. */
const moduleFile = (name: string): string => {
  if (/\.m[jt]s$/.test(name)) return basename(name);
  return `${basename(name)}${isTypeScript(name) ? ".mts" : ".mjs"}`;
};

/**
 * Places a file as a hard link, not a symbolic one, because interpreters resolve a script's imports relative to its real folder.
 * The path can already hold the same content, as when a program is also a file or has two roles.
 */
const placeFile = async (content: string, path: string): Promise<void> => {
  try {
    await link(content, path);
  } catch (error) {
    if (!hasCode(error, "EEXIST") || (await stat(path)).ino !== (await stat(content)).ino) throw error;
  }
};

/** Unpacks an archive next to its content, once per runner, and returns the folder. Nobody else unpacks at the same time. */
const unpacked = async (
  { name, hash }: PlacedArtifact,
  path: string,
  { workDir, signal, progress }: Pick<AttemptContext, "workDir" | "signal" | "progress">,
): Promise<string> => {
  const folder = `${path}.unpacked`;
  if (existsSync(folder)) return folder;
  // Here a partially unpacked archive is removed with the attempt.
  const fresh = join(workDir, hash);
  await unpackArchive({ name, path }, fresh, signal, () => progress.tick());
  // In this order, because a read-only folder cannot be moved.
  await rename(fresh, folder);
  await setFolderModes(folder, 0o555);
  return folder;
};
