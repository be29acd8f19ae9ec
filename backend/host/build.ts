import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleRunner, bundleWorker } from "./bundle.ts";
import { writeConsole } from "./console-files.ts";

/** What the host serves. */
export type Build = {
  /** The Worker as one ES module. */
  readonly script: string;
  /** The folder with the console's files. */
  readonly consoleDir: string;
};

/** The project's folder or, in a package, that of the prebuilt files. */
const root = new URL("../../", import.meta.url);

/** The Worker, which only a package has prebuilt. */
const prebuilt = new URL("worker.js", root);

/**
 * Returns the prebuilt files of a package, or builds them from a checkout.
 * @param main the entry point of the Worker's source, relative to the project's folder
 */
export const readBuild = async (main: string): Promise<Build> => {
  if (existsSync(prebuilt))
    return { script: await readFile(prebuilt, "utf8"), consoleDir: fileURLToPath(new URL("console", root)) };
  const consoleDir = join(tmpdir(), "edgefold-console");
  const [script] = await Promise.all([bundleWorker(new URL(main, root)), writeConsole(root, consoleDir)]);
  await endBuilding();
  return { script, consoleDir };
};

let runner: Promise<string> | undefined;

/** Returns the path of the runner's program: the prebuilt one of a package, or one that this process builds once from a checkout. */
export const runnerProgram = async (): Promise<string> => {
  if (existsSync(prebuilt)) return fileURLToPath(new URL("backend/runner/main.js", root));
  return await (runner ??= buildRunner());
};

const buildRunner = async (): Promise<string> => {
  const folder = fileURLToPath(new URL("node_modules/.cache/edgefold-runner", root));
  await bundleRunner(root, folder);
  await endBuilding();
  return join(folder, "main.js");
};

/** Stops the process that esbuild keeps for further builds. */
const endBuilding = async (): Promise<void> => {
  const { stop } = await import("esbuild");
  await stop();
};
