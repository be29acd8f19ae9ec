import { chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "./storage/file-failure.ts";

/** Sets the mode of a folder and of all folders below it. Does not follow links. */
export const setFolderModes = async (folder: string, mode: number): Promise<void> => {
  await chmod(folder, mode);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await setFolderModes(join(folder, entry.name), mode);
  }
};

/** Removes a folder and everything in it, including read-only folders. A missing folder is not an error. */
export const removeFolder = async (folder: string): Promise<void> => {
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    await remove();
  } catch (error) {
    if (!hasCode(error, "EACCES", "EPERM")) throw error;
    await setFolderModes(folder, 0o700);
    await remove();
  }
};
