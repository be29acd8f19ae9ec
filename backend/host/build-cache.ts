import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folders of all source that is built, and what decides on the packages. */
const folders = ["backend", "client", "shared", "worker"];
const packages = "package-lock.json";

/** How long a build is kept once there is a newer one, in ms: somebody can still be running it. */
const keptMs = 7 * 24 * 3600 * 1000;

/**
 * Returns a folder with what is built of a checkout. Builds it only if the source has changed since, so that the next start takes a
 * tenth of a second instead of one or two. A folder never changes: others can be reading it, or building the same. Not to be called
 * twice at the same time in one process.
 * @param root the project's folder
 * @param build writes into the empty folder
 */
export const cached = async (root: URL, name: string, build: (folder: string) => Promise<void>): Promise<string> => {
  const builds = fileURLToPath(new URL(`node_modules/.cache/edgefold/${name}`, root));
  // Before building, so that a change during it is noticed the next time.
  const folder = join(builds, sourceState(fileURLToPath(root)));
  if (existsSync(folder)) return folder;
  mkdirSync(builds, { recursive: true });
  removeOld(builds);
  const unfinished = mkdtempSync(join(builds, "unfinished-"));
  try {
    await build(unfinished);
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true });
    // Another process has built the same meanwhile.
    if (!existsSync(folder)) throw error;
  } finally {
    // Stops the process that esbuild keeps for further builds.
    const { stop } = await import("esbuild");
    await stop();
  }
  return folder;
};

const removeOld = (builds: string): void => {
  for (const name of readdirSync(builds)) {
    const changed = statSync(join(builds, name), { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    if (changed < Date.now() - keptMs) rmSync(join(builds, name), { recursive: true, force: true });
  }
};

/** Returns a text that differs if any file of the source differs in its name, its size or the time of its last change. */
const sourceState = (root: string): string => {
  const hash = createHash("sha256");
  const add = (path: string): void => {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path}\0${size}\0${mtimeMs}\0`);
  };
  add(join(root, packages));
  for (const folder of folders) {
    const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries) if (entry.isFile()) add(join(entry.parentPath, entry.name));
  }
  return hash.digest("hex").slice(0, 16);
};
