import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const main = fileURLToPath(new URL("../../../backend/runner/main.ts", import.meta.url));

it("a runner whose directory was removed before it began ends, and does not make it again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edgefold-test-"));
  try {
    const own = join(folder, "runner");
    const runner = spawn(process.execPath, [main], {
      stdio: ["pipe", "ignore", "ignore"],
      env: {
        ...process.env,
        WORKER_URL: "http://localhost:1",
        RUNNER_ID: "runner",
        WORK_DIR: join(own, "work"),
        PROCESS_LEDGER: join(own, "programs"),
        PARENT: "pipe",
      },
    });
    expect(await once(runner, "exit")).toEqual([1, null]);
    expect(existsSync(own)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
