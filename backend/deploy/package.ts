import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundlePrograms, bundleWorker, withJsEndings } from "../host/bundle.ts";
import { writeConsole } from "../host/console-files.ts";

/**
 * Builds `dist/`, which the package contains instead of the source. `npm pack` runs this first. Each source file becomes one
 * JavaScript file, so that files located by relative paths are still found. The Worker, the agent and each thread of a runner become a
 * single one.
 */

const root = new URL("../../", import.meta.url);
const dist = fileURLToPath(new URL("dist/", root));

/** The files other than code that the code locates by relative paths. */
const copied = ["backend/kernel/kernel.wasm", "examples/word-count", "README.md", "wrangler.toml"];

/** The fields of package.json that the package's own code reads. */
const keptFields = ["name", "version", "type"] as const;

const transpile = async (): Promise<void> => {
  const entryPoints = globSync(
    [
      "client/{cli,sdk,show}/**/*.ts",
      "backend/{host,runner,storage}/**/*.ts",
      "backend/kernel/*.ts",
      "backend/*.ts",
      "shared/**/*.ts",
    ],
    {
      cwd: fileURLToPath(root),
    },
  );
  const { outputFiles } = await build({
    absWorkingDir: fileURLToPath(root),
    entryPoints,
    outbase: ".",
    outdir: dist,
    write: false,
    format: "esm",
    target: "node22.18",
  });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, withJsEndings(text));
  }
};

/** Writes the type declarations of the SDK. */
const declare = (): void => {
  const tsc = fileURLToPath(import.meta.resolve("typescript/package.json"));
  const options = [
    "-p",
    "client/sdk",
    "--noEmit",
    "false",
    "--declaration",
    "--emitDeclarationOnly",
    "--rootDir",
    ".",
    "--outDir",
    "dist",
  ];
  const { status } = spawnSync(process.execPath, [join(dirname(tsc), "bin/tsc"), ...options], {
    cwd: fileURLToPath(root),
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("the types of the SDK could not be written");
  for (const file of globSync("**/*.d.ts", { cwd: dist })) {
    const path = join(dist, file);
    writeFileSync(path, withJsEndings(readFileSync(path, "utf8")));
  }
};

rmSync(dist, { recursive: true, force: true });
await transpile();
await bundlePrograms(root, join(dist, "backend"));
declare();
await writeConsole(root, join(dist, "console"));
writeFileSync(join(dist, "worker.js"), await bundleWorker(new URL("worker/index.ts", root)));
for (const path of copied) cpSync(new URL(path, root), join(dist, path), { recursive: true });
const description: unknown = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
const kept = Object.entries(description ?? {}).filter(([field]) => keptFields.some((each) => each === field));
writeFileSync(join(dist, "package.json"), `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`);
