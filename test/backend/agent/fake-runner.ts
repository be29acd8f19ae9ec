import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ProcessLedger } from "../../../backend/process-ledger.ts";

/**
 * A runner that does what a test says: its only argument is a directory in which `<jobId>.mode` holds words. It leaves
 * `<runnerId>.json` there when it is ready.
 *
 * `crash` ends at once with a message, `deaf` minds neither SIGTERM nor its standard input, `busy` ends after `drain` only
 * when there is a file `finish`, `program` starts a program in a process group of its own that minds nothing.
 */
const [, , dir = ""] = process.argv;
const { JOB_ID = "", RUNNER_ID = "", WORK_DIR = "", PROCESS_LEDGER = "" } = process.env;
const modeFile = join(dir, `${JOB_ID}.mode`);
const mode = existsSync(modeFile) ? readFileSync(modeFile, "utf8").split(" ") : [];
const is = (word: string): boolean => mode.includes(word);

if (is("crash")) {
  process.stderr.write("no such thing\n");
  process.exit(3);
}

let program: number | undefined;
if (is("program")) {
  program = spawn("sh", ["-c", "trap '' TERM; sleep 1000 & wait"], { detached: true, stdio: "inherit" }).pid;
  if (program !== undefined) new ProcessLedger(PROCESS_LEDGER).add(program);
}

process.on("SIGTERM", () => {
  if (!is("deaf")) process.exit(0);
});

const finish = (): void => {
  if (!is("busy") || existsSync(join(dir, "finish"))) process.exit(0);
  setTimeout(finish, 10);
};
process.stdin.on("data", (chunk: Buffer) => {
  if (!chunk.toString().includes("drain\n") || is("deaf")) return;
  process.stdout.write("draining\n");
  finish();
});
process.stdin.on("end", () => {
  if (!is("deaf")) process.exit(1);
});
setInterval(() => {}, 60_000);

process.stdout.write("ready\n");
const ready = { pid: process.pid, program, jobId: JOB_ID, runnerId: RUNNER_ID, workDir: WORK_DIR, env: process.env };
writeFileSync(join(dir, `${RUNNER_ID}.tmp`), JSON.stringify(ready));
renameSync(join(dir, `${RUNNER_ID}.tmp`), join(dir, `${RUNNER_ID}.json`));
