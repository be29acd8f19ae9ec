import { fileURLToPath } from "node:url";
import { writeConsole } from "../host/console-files.ts";

/** Builds the console for `wrangler`, which serves it alongside the Worker: see `[build]` and `[assets]` in wrangler.toml. */
const root = new URL("../../", import.meta.url);
await writeConsole(root, fileURLToPath(new URL(".wrangler/console", root)));
