import { z } from "zod";
import { readBuild } from "./build.ts";
import { readWranglerConfig } from "./wrangler-config.ts";

/** The process of the local host. Serves the Worker until SIGTERM, and prints `ready` as soon as the Worker answers. */

const EnvironmentSchema = z.object({
  PORT: z.coerce.number(),
  STATE_DIR: z.string(),
  LISTEN: z.string(),
  VARIABLES: z.string().transform((text) => z.record(z.string(), z.string()).parse(JSON.parse(text))),
  KEYS: z
    .string()
    .transform((text) => z.object({ username: z.string(), password: z.string() }).parse(JSON.parse(text))),
});
const environment = EnvironmentSchema.parse(process.env);

/** The project's folder. */
const root = new URL("../../", import.meta.url);
const config = readWranglerConfig(new URL("wrangler.toml", root));
// esbuild builds it in another process, while this one loads Miniflare, which is large.
const build = readBuild(config.main);
const { startWorkerHost } = await import("./worker-host.ts");

const host = await startWorkerHost({
  config,
  ...(await build),
  listen: environment.LISTEN,
  port: environment.PORT,
  stateDir: environment.STATE_DIR,
  variables: environment.VARIABLES,
  keys: environment.KEYS,
  onLost: (cause) => {
    console.error(`The Worker cannot be started again: ${cause.message}`);
    process.exit(1);
  },
});
process.once("SIGTERM", () => {
  void host.dispose().finally(() => process.exit(0));
});
console.log("ready");
