import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleWorker } from "./bundle.ts";
import { writeConsole } from "./console-files.ts";

/** What the host serves. */
export type Build = {
  /** The Worker as one ES module. */
  readonly script: string;
  /** The folder with the console's files. */
  readonly consoleDir: string;
};

/**
 * Returns the prebuilt files of a package, or builds them from a checkout.
 * @param root the folder of the project or, in a package, of the prebuilt files
 * @param main the entry point of the Worker's source, relative to `root`
 */
export const readBuild = async (root: URL, main: string): Promise<Build> => {
  const built = new URL("worker.js", root);
  if (existsSync(built))
    return { script: await readFile(built, "utf8"), consoleDir: fileURLToPath(new URL("console", root)) };
  const consoleDir = join(tmpdir(), "edgefold-console");
  const [script] = await Promise.all([bundleWorker(new URL(main, root)), writeConsole(root, consoleDir)]);
  // Stops the process that esbuild keeps for further builds.
  const { stop } = await import("esbuild");
  await stop();
  return { script, consoleDir };
};
