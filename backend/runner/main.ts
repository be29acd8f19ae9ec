import { createInterface } from "node:readline";
import { reap } from "../process-ledger.ts";
import { readConfig } from "./config.ts";
import { Runner } from "./runner.ts";

/** Runs the tasks of one job until it has ended. Exits 0 then, or when it was drained; 1 when it cannot work. */
const config = readConfig(process.env);
// A module of the user's runs in this process; its programs' children should not find the token in what they inherit.
delete process.env["RUNNER_TOKEN"];
const runner = new Runner(config);

/** How long programs may take to end, and the Worker to hear that the attempt is given back, in ms. */
const farewellMs = 2_500;

const quit = (reason: string): void => {
  runner.quit(reason);
  setTimeout(() => void reap(config.PROCESS_LEDGER).finally(() => process.exit(1)), farewellMs);
};
process.once("SIGTERM", () => quit("the runner was told to end"));
process.once("SIGINT", () => quit("the runner was told to end"));

if (config.PARENT === "pipe") {
  // The pipe ends with the parent, however that ends.
  const orders = createInterface({ input: process.stdin });
  orders.on("line", (line) => {
    if (line === "drain") runner.drain();
  });
  orders.once("close", () => quit("the agent is gone"));
}

try {
  await runner.run();
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
