import { fileURLToPath } from "node:url";

/** Bundles the Worker into one ES module, as `wrangler deploy` does. @returns its text */
export const bundleWorker = async (entry: URL): Promise<string> => {
  // Users of the package have no esbuild.
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    // Packages export code for Workers under these conditions (https://runtime-keys.proposal.wintercg.org/).
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
  });
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new Error("esbuild made no bundle of the Worker");
  return bundle.text;
};
