import { mkdir, readdir, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import { hasCode } from "./file-failure.ts";
import type { FileRoots } from "./file-roots.ts";

/** The folder in which files are written, next to their final location. */
export const uploadsFolder = ".uploads";

const shuffleFolder = ".edgefold";
const jobFolder = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Creates a file in `folder`, and the folder if needed, even while others keep removing the empty folder. */
export const creatingIn = async <T>(folder: string, create: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries++) {
    try {
      await mkdir(folder, { recursive: true });
      return await create();
    } catch (error) {
      if (tries === 100 || !hasCode(error, "ENOENT")) throw error;
    }
  }
};

/**
 * The folders to remove when they are empty, innermost first: a job's folder, which is named after its id, all folders below
 * it, and the shuffle's, `.edgefold`. A user's own folder stays, empty or not.
 */
const removable = (folder: string): readonly string[] => {
  const folders: string[] = [];
  for (let at = folder; path.dirname(at) !== at; at = path.dirname(at)) {
    folders.push(at);
    if (path.basename(at) === shuffleFolder) return folders;
    if (jobFolder.test(path.basename(at))) {
      const above = path.dirname(at);
      return path.basename(above) === shuffleFolder ? [...folders, above] : folders;
    }
  }
  return [];
};

/** @returns whether the folder no longer exists */
const removeEmpty = async (folder: string): Promise<boolean> => {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return true;
    // a mount point or a read-only parent is the user's choice
    if (hasCode(error, "ENOTEMPTY", "EEXIST", "EBUSY", "EACCES", "EPERM", "EROFS")) return false;
    throw error;
  }
};

/** Removes `folder`, a real path, and its ancestors as long as they are empty, belong to a job or to uploads, and are no root. */
export const tidy = async (roots: FileRoots, folder: string): Promise<void> => {
  const isUploads = path.basename(folder) === uploadsFolder;
  const parent = path.dirname(folder);
  for (const each of isUploads ? [folder, ...removable(parent)] : removable(folder)) {
    if (roots.has(each) || !(await removeEmpty(each))) return;
  }
};

/** Removes what abandoned uploads left in and below a job's own folder, and the folders that become empty. */
export const sweep = async (roots: FileRoots, folder: string): Promise<void> => {
  if (removable(folder).length === 0) return;
  await sweepBelow(folder);
  await tidy(roots, folder);
};

const sweepBelow = async (folder: string): Promise<void> => {
  for (const entry of await foldersIn(folder)) {
    const below = path.join(folder, entry);
    if (entry === uploadsFolder) await rm(below, { recursive: true, force: true });
    else {
      await sweepBelow(below);
      await removeEmpty(below);
    }
  }
};

const foldersIn = async (folder: string): Promise<readonly string[]> => {
  try {
    const all = await readdir(folder, { withFileTypes: true });
    return all.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
};
