import { join } from "node:path";

/** For the environment of processes that are started from many files in TypeScript: with it, they start a third faster. */
export const compileCache = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, "../../node_modules/.cache/node-compile-cache"),
} as const;
