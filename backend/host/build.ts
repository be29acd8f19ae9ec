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
  /** The folder with the files of the console. */
  readonly consoleDir: string;
};

/**
 * Finds what a package has built, or builds it from a checkout.
 * @param root the folder of the project, or of what is built in the package
 * @param main where the Worker's source begins, from there
 */
export const readBuild = async (root: URL, main: string): Promise<Build> => {
  const built = new URL("worker.js", root);
  if (existsSync(built))
    return { script: await readFile(built, "utf8"), consoleDir: fileURLToPath(new URL("console", root)) };
  const consoleDir = join(tmpdir(), "edgefold-console");
  const [script] = await Promise.all([bundleWorker(new URL(main, root)), writeConsole(root, consoleDir)]);
  // Ends the process that esbuild keeps for further builds.
  const { stop } = await import("esbuild");
  await stop();
  return { script, consoleDir };
};
