import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/**
 * The Worker as one ES module, as `wrangler deploy` makes it: the one that the package has, or one that is bundled now.
 * @param entry where the Worker's source begins
 * @returns its text
 */
export const readWorker = async (entry: URL): Promise<string> => {
  const built = new URL("../../worker.js", import.meta.url);
  return existsSync(built) ? await readFile(built, "utf8") : await bundleWorker(entry);
};

/** Bundles the Worker. @returns its text */
export const bundleWorker = async (entry: URL): Promise<string> => {
  // Those who have the package have no esbuild.
  const { build, stop } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    // Packages that have code for Workers export it under these (https://runtime-keys.proposal.wintercg.org/).
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
  });
  // Ends the process that esbuild keeps for further builds.
  await stop();
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new Error("esbuild made no bundle of the Worker");
  return bundle.text;
};
