import { createInterface } from "node:readline";
import { parseJson } from "../../shared/json.ts";
import { JobOrderSchema, type JobOrder } from "../job-order.ts";
import { reap, recordMark } from "../process-ledger.ts";
import { setMark } from "../process-mark.ts";
import { readConfig, readJobOrder } from "./config.ts";
import { Runner } from "./runner.ts";
import { TaskThread } from "./thread/task-thread.ts";

/**
 * Runs the tasks of one job until it has ended. Exits 0 then, or when it was drained; 1 when it cannot work, or is told to end before. A runner that
 * gets its orders over a pipe may have to wait for the first one, which names the job: all is loaded by then.
 */
const config = readConfig(process.env);
// Before the thread is started, which has its environment from here.
recordMark(config.PROCESS_LEDGER, setMark());
const given = config.PARENT === "none" ? readJobOrder(process.env) : undefined;
const thread = new TaskThread(config);
let runner: Runner | undefined;

/** How long programs may take to end, and the Worker to hear that the attempt is given back, in ms. */
const farewellMs = 2_500;

/**
 * Of a runner that ends before its job has. In a pod it must be a failure: the first one that ends well tells Kubernetes that there
 * is no more to do.
 */
const quitCode = 1;
let exitCode = 0;

const quit = (reason: string, isTold: boolean): void => {
  exitCode = quitCode;
  if (runner === undefined) process.exit(exitCode);
  runner.quit(reason, isTold);
  setTimeout(() => void reap(config.PROCESS_LEDGER).finally(() => process.exit(exitCode)), farewellMs);
};
process.once("SIGTERM", () => quit("the runner was told to end", true));
process.once("SIGINT", () => quit("the runner was told to end", true));

/** The runner is there before this returns, so that no order is lost that follows at once. */
const work = async (order: JobOrder): Promise<void> => {
  try {
    runner = new Runner(config, order, thread);
    await runner.run();
    process.exit(exitCode);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
};

if (given !== undefined) await work(given);
else {
  const orders = createInterface({ input: process.stdin });
  orders.on("line", (line) => {
    if (runner === undefined) void work(JobOrderSchema.parse(parseJson(line)));
    else if (line === "drain") runner.drain();
  });
  // The pipe ends with the parent, however that ends.
  orders.once("close", () => quit("the agent is gone", false));
}
