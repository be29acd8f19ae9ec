import { readlinkSync, realpathSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { bytesOfText, textOfBytes } from "../../shared/byte-text.ts";

/*
 * File names are bytes, which need not be UTF-8. Names that are not UTF-8 are represented as text as in `byte-text.ts`. Node
 * decodes such bytes to U+FFFD and loses them. Only then is Node asked for bytes, because text costs much less.
 */

/** Converts a path to the form that the system expects. */
export const systemPath = (path: string): string | Buffer =>
  path.isWellFormed() ? path : Buffer.from(bytesOfText(path));

/** Compares paths in byte order. */
export const comparePaths = (one: string, other: string): number =>
  Buffer.compare(Buffer.from(systemPath(one)), Buffer.from(systemPath(other)));

const mayLack = (text: string): boolean => text.includes("\ufffd");

/** Resolves the path of an existing file, following links. */
export const realPath = (path: string): string => {
  const asked = systemPath(path);
  const text = realpathSync.native(asked);
  return mayLack(text) ? textOfBytes(realpathSync.native(asked, "buffer")) : text;
};

/** The target of a link. */
export const linkTarget = (path: string): string => {
  const text = readlinkSync(path);
  return mayLack(text) ? textOfBytes(readlinkSync(path, "buffer")) : text;
};

type FolderEntry = { readonly name: string; readonly kind: "file" | "folder" | "link" | "other" };

/** Lists the entries of a folder. */
export const folderEntries = async (path: string): Promise<readonly FolderEntry[]> => {
  const asked = systemPath(path);
  const all = await readdir(asked, { withFileTypes: true });
  if (!all.some(({ name }) => mayLack(name))) return all.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  const exact = await readdir(asked, { withFileTypes: true, encoding: "buffer" });
  return exact.map((entry) => ({ name: textOfBytes(entry.name), kind: kindOf(entry) }));
};

type Typed = { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean };

/** The kind of a folder's entry or of a file's status. */
export const kindOf = (entry: Typed): FolderEntry["kind"] => {
  if (entry.isFile()) return "file";
  if (entry.isSymbolicLink()) return "link";
  return entry.isDirectory() ? "folder" : "other";
};
