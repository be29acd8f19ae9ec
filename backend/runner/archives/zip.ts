import { text } from "node:stream/consumers";
import { openPromise, type Entry, type ZipFile } from "yauzl";
import type { ArchiveFolder } from "./archive-folder.ts";

/** The upper half of an entry's external attributes holds its mode (stat(2)) if the entry was made on a Unix system. */
const kinds = { mask: 0o170000, file: 0o100000, folder: 0o040000, link: 0o120000 } as const;
const unix = 3;

/** Maximum length of a link's target, in bytes: `PATH_MAX` on Linux. */
const longestTarget = 4096;

/** Unpacks a zip archive. */
export const unpackZip = async (path: string, folder: ArchiveFolder): Promise<void> => {
  const zip = await openPromise(path, { lazyEntries: true });
  try {
    for await (const entry of zip.eachEntry()) await unpackEntry(zip, entry, folder);
  } finally {
    zip.close();
  }
};

const unpackEntry = async (zip: ZipFile, entry: Entry, folder: ArchiveFolder): Promise<void> => {
  const { fileName: name, externalFileAttributes, versionMadeBy } = entry;
  const mode = versionMadeBy >>> 8 === unix ? externalFileAttributes >>> 16 : 0;
  const kind = mode & kinds.mask;
  if (name.endsWith("/") || kind === kinds.folder) return folder.addFolder(name);
  if (kind !== 0 && kind !== kinds.file && kind !== kinds.link) {
    throw folder.refusal(name, "is neither a file, a directory nor a link");
  }
  if (!entry.canDecodeFileData())
    throw folder.refusal(name, "is encrypted, or compressed in another way than by deflate");
  if (kind !== kinds.link) return folder.addFile(name, (mode & 0o111) !== 0, await zip.openReadStreamPromise(entry));
  if (entry.uncompressedSize > longestTarget) throw folder.refusal(name, "is a link to too long a path");
  return folder.addSymlink(name, await text(await zip.openReadStreamPromise(entry)));
};
