import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { JobOrderSchema } from "../../../backend/job-order.ts";
import { ProcessLedger } from "../../../backend/process-ledger.ts";

/**
 * A runner that does what a test says: its only argument is a directory in which `<jobId>.mode` holds words, and `.mode` those
 * for the time before it has a job. It leaves `<runnerId>.json` there when it is ready, first for a job and then with it.
 *
 * `crash` ends at once with a message, `deaf` minds neither SIGTERM nor its standard input, `busy` ends after `drain` only
 * when there is a file `finish`, `program` starts a program in a process group of its own that minds nothing.
 */
const [, , dir = ""] = process.argv;
const { RUNNER_ID = "", WORK_DIR = "", PROCESS_LEDGER = "" } = process.env;
let mode: string[] = [];
const is = (word: string): boolean => mode.includes(word);

/** Does what is said of this job, or of a runner without one. */
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
