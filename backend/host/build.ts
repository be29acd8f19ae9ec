import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached } from "./build-cache.ts";
import { bundlePrograms, bundleWorker } from "./bundle.ts";
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
  const folder = await cached(root, "served", async (to) => {
    const [script] = await Promise.all([bundleWorker(new URL(main, root)), writeConsole(root, join(to, "console"))]);
    await writeFile(join(to, "worker.js"), script);
  });
  return { script: await readFile(join(folder, "worker.js"), "utf8"), consoleDir: join(folder, "console") };
};

let programs: Promise<string> | undefined;

/**
 * Returns the folder with the programs of agents and runners, `agent/main.js` and `runner/main.js`: the prebuilt one of a package, or
 * one that is built from a checkout.
 */
export const programsFolder = async (): Promise<string> => {
  if (existsSync(prebuilt)) return fileURLToPath(new URL("backend", root));
  return await (programs ??= cached(root, "programs", async (folder) => await bundlePrograms(root, folder)));
};
