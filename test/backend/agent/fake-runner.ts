import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { JobOrderSchema } from "../../../backend/job-order.ts";
import { ProcessLedger } from "../../../backend/process-ledger.ts";

/**
 * A runner that does what a test says. Its only argument is a directory in which `<jobId>.mode` contains words for its
 * behaviour, and `.mode` those for the time before it has a job. It writes `<runnerId>.json` there when it is ready for a job,
 * and again when it has one.
 *
 * `crash` ends at once with a message; `deaf` ignores SIGTERM, `drain` and the end of its standard input; `busy` ends after
 * `drain` only once there is a file `finish`; `program` starts a program that ignores everything, in its own process group.
 */
const [, , dir = ""] = process.argv;
const { RUNNER_ID = "", WORK_DIR = "", PROCESS_LEDGER = "" } = process.env;
let mode: string[] = [];
const is = (word: string): boolean => mode.includes(word);

/** Behaves as told for this job, or for a runner without one. */
const begin = (jobId = "", token = ""): void => {
  const modeFile = join(dir, `${jobId}.mode`);
  mode = existsSync(modeFile) ? readFileSync(modeFile, "utf8").split(" ") : [];
  if (is("crash")) {
    process.stderr.write("no such thing\n");
    process.exit(3);
  }
  let program: number | undefined;
  if (is("program")) {
    program = spawn("sh", ["-c", "trap '' TERM; sleep 1000 & wait"], { detached: true, stdio: "inherit" }).pid;
    if (program !== undefined) new ProcessLedger(PROCESS_LEDGER).add(program);
  }
  if (jobId !== "") process.stdout.write("ready\n");
  const ready = { pid: process.pid, program, jobId, token, runnerId: RUNNER_ID, workDir: WORK_DIR, env: process.env };
  writeFileSync(join(dir, `${RUNNER_ID}.tmp`), JSON.stringify(ready));
  renameSync(join(dir, `${RUNNER_ID}.tmp`), join(dir, `${RUNNER_ID}.json`));
};

process.on("SIGTERM", () => {
  if (!is("deaf")) process.exit(0);
});
setInterval(() => {}, 60_000);
begin();

const finish = (): void => {
  if (!is("busy") || existsSync(join(dir, "finish"))) process.exit(0);
  setTimeout(finish, 10);
};
let ordered = false;
const orders = createInterface({ input: process.stdin });
orders.on("line", (line) => {
  if (!ordered) {
    ordered = true;
    const { jobId, token } = JobOrderSchema.parse(JSON.parse(line));
    begin(jobId, token);
  } else if (line === "drain" && !is("deaf")) {
    process.stdout.write("draining\n");
    finish();
  }
});
orders.on("close", () => {
  if (!is("deaf")) process.exit(1);
});
