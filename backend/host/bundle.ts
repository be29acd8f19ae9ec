import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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

/** Replaces the `.ts` endings in a file's references to other files by `.js`. */
export const withJsEndings = (code: string): string =>
  code
    .replace(/((?:from|import)\s*\(?\s*")(\.{1,2}\/[^"]+)\.ts"/g, '$1$2.js"')
    .replace(/(new URL\(")([^"]+)\.ts(", import\.meta\.url\))/g, "$1$2.js$3");

/** Some packages are CommonJS, which calls `require` for modules of Node. */
const requiring = `import { createRequire as requireFrom } from "node:module";\nconst require = requireFrom(import.meta.url);`;

/** The entry points of agents and of both threads of runners, relative to `backend`. */
const programs = ["agent/main.ts", "runner/main.ts", "runner/thread/main.ts"];

/**
 * Bundles what agents and runners run, each with all packages into one file for a thread. They start three times as fast as from
 * some 300 files in TypeScript, and need nothing else.
 * @param root the project's folder
 * @param folder receives `agent/main.js`, `runner/main.js` and what that one needs
 */
export const bundlePrograms = async (root: URL, folder: string): Promise<void> => {
  const source = fileURLToPath(new URL("backend", root));
  await bundleForNode(
    programs.map((path) => join(source, path)),
    source,
    folder,
  );
  writeFileSync(join(folder, "runner/thread/kernel.wasm"), readFileSync(new URL("backend/kernel/kernel.wasm", root)));
};

/**
 * Bundles programs for Node, each with all that it imports.
 * @param source the folder of the entry points
 * @param folder receives the bundles, at the same paths as the entry points have in `source`
 */
export const bundleForNode = async (entryPoints: readonly string[], source: string, folder: string): Promise<void> => {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [...entryPoints],
    outbase: source,
    outdir: folder,
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node22.18",
    // Puts constants where they are used. V8 cannot do so itself, because bundling makes variables of them.
    minifySyntax: true,
    banner: { js: requiring },
  });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, withJsEndings(text));
  }
};
