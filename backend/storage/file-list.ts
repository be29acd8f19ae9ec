import { stat } from "node:fs/promises";
import path from "node:path";
import { hasCode, naming } from "./file-failure.ts";
import type { FileRoots } from "./file-roots.ts";
import { uploadsFolder } from "./file-folders.ts";
import { comparePaths, folderEntries, kindOf, systemPath } from "./system-path.ts";

/**
 * Lists the paths of regular files, and of links to them, that begin with `prefix`, in byte order like S3. Follows links to
 * folders, but not in a cycle.
 *
 * @param prefix an absolute path or the beginning of one; a folder that does not exist has no files
 */
export const listFiles = (roots: FileRoots, prefix: string): AsyncGenerator<string> => {
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  return walk(roots, folder, prefix, []);
};

/** @param above the real paths of the folders that led here */
const walk = async function* (
  roots: FileRoots,
  folder: string,
  prefix: string,
  above: readonly string[],
): AsyncGenerator<string> {
  const real = roots.real(folder);
  if (above.includes(real)) return;
  const found = await naming({ scheme: "file", path: folder }, () => entries(roots, folder, real));
  for (const { file, isFolder } of found) {
    if (!file.startsWith(prefix)) continue;
    if (isFolder) yield* walk(roots, file, prefix, [...above, real]);
    else yield file;
  }
};

type Entry = { readonly file: string; readonly isFolder: boolean };

const entries = async (roots: FileRoots, folder: string, real: string): Promise<readonly Entry[]> => {
  const found: Entry[] = [];
  for (const { name, kind } of await kinds(roots, real)) {
    if (kind === "file") found.push({ file: folder + name, isFolder: false });
    if (kind === "folder" && name !== uploadsFolder) found.push({ file: `${folder}${name}/`, isFolder: true });
  }
  return found.sort((a, b) => comparePaths(a.file, b.file));
};

type Kind = Awaited<ReturnType<typeof folderEntries>>[number]["kind"];

const kinds = async (roots: FileRoots, real: string): Promise<readonly { name: string; kind: Kind }[]> => {
  try {
    const all = await folderEntries(real);
    return await Promise.all(
      all.map(async ({ name, kind }) => ({
        name,
        kind: kind === "link" ? await linked(roots, path.join(real, name)) : kind,
      })),
    );
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
};

/** The kind of a link's target. A dangling link is not an object. */
const linked = async (roots: FileRoots, link: string): Promise<Kind> => {
  const real = roots.real(link);
  try {
    return kindOf(await stat(systemPath(real)));
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return "other";
    throw error;
  }
};
