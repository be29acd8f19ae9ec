#!/usr/bin/env node
// Starts the command with a Node that is new enough: the one that runs this, or the one that the package brings on Linux.
const { spawn } = require("node:child_process");
const { existsSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { pathToFileURL } = require("node:url");

const root = join(__dirname, "../..");
const source = join(__dirname, "main.ts");
// A checkout has the source, a package what is built of it.
const main = existsSync(source) ? source : join(root, "dist/client/cli/main.js");

const [major, minor] = process.versions.node.split(".").map(Number);
const isNewEnough = major > 22 || (major === 22 && minor >= 18);

const start = () => {
  // Large modules load in two thirds of the time.
  require("node:module").enableCompileCache(join(root, "node_modules/.cache/node-compile-cache"));
  return import(pathToFileURL(main).href);
};

const startWithOwnNode = () => {
  let node;
  try {
    node = join(dirname(require.resolve(`node-${process.platform}-${process.arch}/package.json`)), "bin/node");
  } catch {
    console.error(`Edgefold needs Node 22.18 or newer; this is ${process.versions.node}.`);
    process.exit(1);
  }
  const child = spawn(node, [__filename, ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  // A terminal sends it to both.
  process.on("SIGINT", () => undefined);
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
};

if (isNewEnough) void start();
else startWithOwnNode();
