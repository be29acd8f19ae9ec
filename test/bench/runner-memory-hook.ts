import { writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { ownPeak } from "./memory.ts";

/**
 * Loaded by `NODE_OPTIONS` into every Node process of an Edgefold, where it does nothing unless that is a runner: a runner
 * leaves its peak memory in the folder that this file's own URL names, when it ends.
 */
const folder = new URL(import.meta.url).searchParams.get("folder");
if (isMainThread && folder !== null && process.argv[1]?.endsWith("/backend/runner/main.ts") === true) {
  process.once("exit", () => writeFileSync(new URL(`${folder}/${process.pid}`), String(ownPeak())));
}
