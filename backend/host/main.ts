import { z } from "zod";
import { startWorkerHost } from "./worker-host.ts";

/** The local host's own process: serves the Worker until SIGTERM, and prints `ready` as soon as the Worker answers. */

const EnvironmentSchema = z.object({
  PORT: z.coerce.number(),
  STATE_DIR: z.string(),
  VARIABLES: z.string().transform((text) => z.record(z.string(), z.string()).parse(JSON.parse(text))),
});
const { PORT: port, STATE_DIR: stateDir, VARIABLES: variables } = EnvironmentSchema.parse(process.env);

const host = await startWorkerHost({
  port,
  stateDir,
  variables,
  onLost: (cause) => {
    console.error(`The Worker cannot be started again: ${cause.message}`);
    process.exit(1);
  },
});
process.once("SIGTERM", () => {
  void host.dispose().finally(() => process.exit(0));
});
console.log("ready");
