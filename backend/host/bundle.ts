import { fileURLToPath } from "node:url";
import { build, stop } from "esbuild";

/** Bundles the Worker into one ES module, as `wrangler deploy` does. @returns its text */
export const bundleWorker = async (entry: URL): Promise<string> => {
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
