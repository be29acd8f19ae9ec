import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { groupAlive, isRunning, processStartTime } from "../../backend/process-groups.ts";
import { isInstalled } from "../helpers/sample.ts";

/** Ends its first thread, but not the other one, as a killed process does for a moment. */
const withoutFirstThread = `
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
ctypes.CDLL(None).pthread_exit(None)
`;

test.skipIf(process.platform !== "linux" || !(await isInstalled("python3")))(
  "a process lives until its last thread has ended",
  async () => {
    const child = spawn("python3", ["-c", withoutFirstThread], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const { pid = NaN } = child;
    await expect.poll(() => readFileSync(`/proc/${pid}/stat`, "utf8")).toMatch(/\) Z /);
    const started = processStartTime(pid) ?? "";
    expect([isRunning(pid, started), groupAlive(pid)]).toEqual([true, true]);
    child.stdin.end();
    await once(child, "exit");
    expect([isRunning(pid, started), groupAlive(pid)]).toEqual([false, false]);
  },
);
