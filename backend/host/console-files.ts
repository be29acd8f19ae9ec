import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BuildOptions, OutputFile } from "esbuild";

/** Returns the address of the file among the built ones whose name matches. */
const addressOf = (files: readonly OutputFile[], name: RegExp): string => {
  const names = files.map(({ path }) => basename(path));
  const found = names.find((each) => name.test(each));
  if (found === undefined) throw new Error(`the console has no file ${name}`);
  return `/console/${found}`;
};

/** Builds the console into `folder`, replacing what is there. */
export const writeConsole = async (root: URL, folder: string): Promise<void> => {
  // Users of the package have no esbuild.
  const { build } = await import("esbuild");
  const source = fileURLToPath(new URL("client/console/", root));
  const options = {
    bundle: true,
    minify: true,
    format: "esm",
    target: ["es2022", "chrome111", "firefox114", "safari16.4"],
    jsx: "automatic",
    jsxImportSource: "preact",
    outdir: join(folder, "console"),
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    write: false,
    legalComments: "none",
  } as const satisfies BuildOptions;
  // One file: the policy that it is served with lets it import no other. Its name decides on the policy, see serve-console.ts.
  const sample = await build({ ...options, entryPoints: { sample: join(source, "sample/worker.ts") } });
  const page = await build({
    ...options,
    entryPoints: { console: join(source, "main.tsx") },
    splitting: true,
    define: { sampleWorker: JSON.stringify(addressOf(sample.outputFiles, /^sample-.*\.js$/)) },
  });
  const html = (await readFile(join(source, "index.html"), "utf8"))
    .replace("console.css", addressOf(page.outputFiles, /^console-.*\.css$/))
    .replace("console.js", addressOf(page.outputFiles, /^console-.*\.js$/));
  // Written to a temporary folder next to it and then moved, so that nobody sees a partial build.
  const fresh = `${folder}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(join(fresh, "console"), { recursive: true });
  await Promise.all(
    [...sample.outputFiles, ...page.outputFiles].map(
      async ({ path, contents }) => await writeFile(path.replace(folder, fresh), contents),
    ),
  );
  await writeFile(join(fresh, "index.html"), html);
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
};
