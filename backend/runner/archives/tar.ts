import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import type { ArchiveFolder } from "./archive-folder.ts";

/** Unpacks a tar archive (pax, GNU or ustar). */
export const unpackTar = async (path: string, isCompressed: boolean, folder: ArchiveFolder): Promise<void> => {
  const entries = extract();
  const file = createReadStream(path);
  const reading = isCompressed ? pipeline(file, createGunzip(), entries) : pipeline(file, entries);
  // A failure there ends the entries with the same error.
  reading.catch(() => undefined);
  for await (const entry of entries) {
    await unpackEntry(entry.header, bytesOf(entry, reading), folder);
    // Every entry must be read to its end.
    entry.resume();
  }
  await reading;
};

const unpackEntry = async (
  { name, type, mode, linkname }: Header,
  content: AsyncIterable<Uint8Array>,
  folder: ArchiveFolder,
): Promise<void> => {
  switch (type) {
    case "file":
    case "contiguous-file":
      return folder.addFile(name, (mode & 0o111) !== 0, content);
    case "directory":
      return folder.addFolder(name);
    case "symlink":
      return folder.addSymlink(name, linkname);
    case "link":
      return folder.addHardLink(name, linkname);
    default:
      throw folder.refusal(name, "is neither a file, a directory nor a link");
  }
};

/** Yields the bytes of an entry. @throws the error of `reading`, which says more than the error of the interrupted entry */
async function* bytesOf(entry: AsyncIterable<unknown>, reading: Promise<void>): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of entry) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError("tar-stream gave something other than bytes");
      yield chunk;
    }
  } catch (error) {
    await reading;
    throw error;
  }
}
