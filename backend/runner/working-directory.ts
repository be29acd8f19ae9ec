import { link, mkdir, rename, stat, symlink } from "node:fs/promises";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import type { Artifact } from "../../shared/api/artifacts.ts";
import type { PlacedArtifact } from "../../shared/api/placements.ts";
import type { RunnerJob } from "../../shared/protocol/runner.ts";
import type { ProgramRole } from "../../shared/protocol/tasks.ts";
import { setFolderModes } from "../folders.ts";
import { hasCode } from "../storage/file-failure.ts";
import { unpackArchive } from "./archives/unpack.ts";
import type { AttemptContext } from "./attempt-context.ts";
import type { Program } from "./programs/program.ts";

/**
 * The directory that the programs of an attempt run in, with the job's files and archives and the programs themselves. It is
 * removed with the attempt; contents are shared by all attempts of a runner.
 */
export const workingDirectory = ({ workDir }: Pick<AttemptContext, "workDir">): string => join(workDir, "home");

type Contents = {
  /** Fetches a content. @returns its path on this disk */
  content(artifact: Artifact): Promise<string>;
};

/** Makes the directory, and places the job's files and archives in it. @throws ArchiveError */
export const placeFiles = async (job: RunnerJob, context: AttemptContext, contents: Contents): Promise<void> => {
  const directory = workingDirectory(context);
  await mkdir(directory);
  for (const file of job.files ?? []) await placeFile(await contents.content(file), join(directory, file.as));
  for (const archive of job.archives ?? []) {
    await symlink(await unpacked(archive, await contents.content(archive), context), join(directory, archive.as));
  }
};

/** Places a program of the job. @throws Error when the job has none in that role */
export const placeProgram = async (
  job: RunnerJob,
  role: ProgramRole,
  context: AttemptContext,
  contents: Contents,
): Promise<Program> => {
  const ref = job.programs[role];
  if (ref === undefined) throw new Error(`the job has no ${role}`);
  const { name, type, args = [] } = ref;
  // Its own name, because that is what its error messages show.
  const path = join(workingDirectory(context), type === "module" ? moduleFile(name) : basename(name));
  await placeFile(await contents.content(ref), path);
  return { role, name, type, path, args };
};

/** A module needs an ending by which Node.js takes it as one. */
const moduleFile = (name: string): string => {
  if (/\.m[jt]s$/.test(name)) return basename(name);
  return `${basename(name)}${/\.m?ts$/i.test(name) ? ".mts" : ".mjs"}`;
};

/**
 * By a hard link, not a symbolic one: where interpreters look for what a script imports is the folder that it really lies in.
 * What is there already may be the same content, as that of a program which is also a file, or has two roles.
 */
const placeFile = async (content: string, path: string): Promise<void> => {
  try {
    await link(content, path);
  } catch (error) {
    if (!hasCode(error, "EEXIST") || (await stat(path)).ino !== (await stat(content)).ino) throw error;
  }
};

/** The folder that an archive's content is unpacked in, once a runner, beside the content. Nobody else unpacks meanwhile. */
const unpacked = async (
  { name, hash }: PlacedArtifact,
  path: string,
  { workDir, signal, progress }: AttemptContext,
): Promise<string> => {
  const folder = `${path}.unpacked`;
  if (existsSync(folder)) return folder;
  // What is half unpacked goes with the attempt.
  const fresh = join(workDir, hash);
  await unpackArchive({ name, path }, fresh, signal, () => progress.tick());
  // In this order, as a read-only folder cannot be moved.
  await rename(fresh, folder);
  await setFolderModes(folder, 0o555);
  return folder;
};
