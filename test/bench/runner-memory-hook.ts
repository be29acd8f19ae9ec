import { writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { ownPeak } from "./memory.ts";

/**
 * Loaded by `NODE_OPTIONS` into every Node process of an Edgefold; does nothing except in runners: when a runner ends, it
 * writes its peak memory to the folder named in this file's own URL.
 */
const folder = new URL(import.meta.url).searchParams.get("folder");
if (isMainThread && folder !== null && process.argv[1]?.endsWith("runner/main.js") === true) {
  process.once("exit", () => writeFileSync(new URL(`${folder}/${process.pid}`), String(ownPeak())));
}
