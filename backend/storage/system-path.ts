import { readlinkSync, realpathSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { bytesOfText, textOfBytes } from "../../shared/byte-text.ts";

/*
 * Names of files are bytes, which need not be UTF-8; where they are not, text holds them as in `byte-text.ts`. Node decodes such
 * bytes to U+FFFD and loses them. It is asked for bytes only then, as text costs much less.
 */

/** A path as the system takes it. */
export const systemPath = (path: string): string | Buffer =>
  path.isWellFormed() ? path : Buffer.from(bytesOfText(path));

/** The order of paths is that of their bytes. */
export const comparePaths = (one: string, other: string): number =>
  Buffer.compare(Buffer.from(systemPath(one)), Buffer.from(systemPath(other)));

const mayLack = (text: string): boolean => text.includes("\ufffd");

/** The path of a file that exists, links followed. */
export const realPath = (path: string): string => {
  const asked = systemPath(path);
  const text = realpathSync.native(asked);
  return mayLack(text) ? textOfBytes(realpathSync.native(asked, "buffer")) : text;
};

/** Where a link leads. */
export const linkTarget = (path: string): string => {
  const text = readlinkSync(path);
  return mayLack(text) ? textOfBytes(readlinkSync(path, "buffer")) : text;
};

type FolderEntry = { readonly name: string; readonly kind: "file" | "folder" | "link" | "other" };

/** What is in a folder. */
export const folderEntries = async (path: string): Promise<readonly FolderEntry[]> => {
  const asked = systemPath(path);
  const all = await readdir(asked, { withFileTypes: true });
  if (!all.some(({ name }) => mayLack(name))) return all.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  const exact = await readdir(asked, { withFileTypes: true, encoding: "buffer" });
  return exact.map((entry) => ({ name: textOfBytes(entry.name), kind: kindOf(entry) }));
};

type Typed = { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean };

/** What a folder's entry is, or what a file's status is of. */
export const kindOf = (entry: Typed): FolderEntry["kind"] => {
  if (entry.isFile()) return "file";
  if (entry.isSymbolicLink()) return "link";
  return entry.isDirectory() ? "folder" : "other";
};
