import { formatOf } from "../../../shared/archive-format.ts";
import { readStart } from "../read-start.ts";
import { ArchiveError } from "./archive-error.ts";
import { ArchiveFolder } from "./archive-folder.ts";
import { unpackTar } from "./tar.ts";
import { unpackZip } from "./zip.ts";

type Archive = {
  /** For messages. */
  readonly name: string;
  /** The file. */
  readonly path: string;
};

/**
 * Unpacks an archive of a `formatOf` into a new folder. Files become read-only, folders stay as they are made.
 * @param onProgress called whenever something was unpacked
 * @throws ArchiveError where it is damaged, is larger than archives may be, or something of it leads out of the folder or is
 * neither a file, a directory nor a link; the folder must be removed then
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

/** Whether it is the disk that failed, and not the archive. */
const isOfSystem = (error: unknown): boolean => error instanceof Error && "syscall" in error;
