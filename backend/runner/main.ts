import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseJson } from "../../shared/json.ts";
import { JobOrderSchema, type JobOrder } from "../job-order.ts";
import { reap, recordMark } from "../process-ledger.ts";
import { setMark } from "../process-mark.ts";
import { readConfig, readJobOrder } from "./config.ts";
import { Runner } from "./runner.ts";
import { TaskThread } from "./thread/task-thread.ts";

/**
 * Runs the tasks of one job until the job has ended. Exits 0 when the job has ended or the runner was drained, and 1 when the
 * runner cannot work or is told to end early. A runner that receives its orders over a pipe can be started before its job is
 * known: everything is loaded by the time the first order names the job.
 */
const config = readConfig(process.env);
// An agent has made the directory. If another one has removed it meanwhile, it has given up on this runner, which must end.
if (config.PARENT === "none") mkdirSync(config.PROCESS_LEDGER, { recursive: true });
// Before the thread starts, because it copies this environment.
recordMark(config.PROCESS_LEDGER, setMark());
const given = config.PARENT === "none" ? readJobOrder(process.env) : undefined;
const thread = new TaskThread(config, new URL("thread/main.ts", import.meta.url), given === undefined);
let runner: Runner | undefined;

/** How long programs may take to end, and the release of the attempt to reach the Worker, in ms. */
const farewellMs = 2_500;

/**
 * The exit code of a runner that ends before its job. In a pod it must signal failure: the first pod that succeeds tells
 * Kubernetes that there is no more work.
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

/** Runs the job. Creates the runner synchronously, so that an order that follows at once is not lost. */
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
  // The pipe closes when the parent ends, for whatever reason.
  orders.once("close", () => quit("the agent is gone", false));
}
