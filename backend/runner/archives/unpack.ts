import { formatOf } from "../../../shared/archive-format.ts";
import { readStart } from "../read-start.ts";
import { ArchiveError } from "./archive-error.ts";
import { ArchiveFolder } from "./archive-folder.ts";
import { unpackTar } from "./tar.ts";
import { unpackZip } from "./zip.ts";

type Archive = {
  /** The archive's name, for messages. */
  readonly name: string;
  /** The path of the archive file. */
  readonly path: string;
};

/**
 * Unpacks an archive, in a format that `formatOf` knows, into a new folder. Files become read-only, folders stay writable.
 * @param onProgress called whenever something has been unpacked
 * @throws ArchiveError if the archive is damaged or larger than archives may be, or if an entry leads out of the folder or is
 * neither a file, a directory nor a link; the caller must then remove the folder
 */
export const unpackArchive = async (
  { name, path }: Archive,
  into: string,
  signal: AbortSignal,
  onProgress: () => void,
): Promise<void> => {
  const folder = await ArchiveFolder.create(name, into, signal, onProgress);
  const format = formatOf(await readStart(path));
  if (format === undefined) throw new ArchiveError(name, "is neither a tar nor a zip archive");
  try {
    await (format === "zip" ? unpackZip(path, folder) : unpackTar(path, format === "tar.gz", folder));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ArchiveError || isOfSystem(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new ArchiveError(name, `cannot be unpacked: ${message}`, { cause: error });
  }
  await folder.finish();
};

/** Whether the disk failed, and not the archive. */
const isOfSystem = (error: unknown): boolean => error instanceof Error && "syscall" in error;
