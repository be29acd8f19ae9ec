import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Builds the console into `folder`, replacing what is there. */
export const writeConsole = async (root: URL, folder: string): Promise<void> => {
  // Users of the package have no esbuild.
  const { build } = await import("esbuild");
  const source = fileURLToPath(new URL("client/console/", root));
  const { outputFiles } = await build({
    entryPoints: { console: join(source, "main.tsx") },
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    target: ["es2022", "chrome111", "firefox114", "safari16.4"],
    jsx: "automatic",
    jsxImportSource: "preact",
    outdir: join(folder, "console"),
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    write: false,
    legalComments: "none",
  });
  const nameOf = (ending: string): string => {
    const file = outputFiles.find(({ path }) => /\/console-[^/]+$/.test(path) && path.endsWith(ending));
    if (file === undefined) throw new Error(`the console has no file ending in ${ending}`);
    return `/console/${file.path.slice(file.path.lastIndexOf("/") + 1)}`;
  };
  const page = (await readFile(join(source, "index.html"), "utf8"))
    .replace("console.css", nameOf(".css"))
    .replace("console.js", nameOf(".js"));
  // Written to a temporary folder next to it and then moved, so that nobody sees a partial build.
  const fresh = `${folder}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(join(fresh, "console"), { recursive: true });
  await Promise.all(
    outputFiles.map(async ({ path, contents }) => await writeFile(path.replace(folder, fresh), contents)),
  );
  await writeFile(join(fresh, "index.html"), page);
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
};
