import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { openStateDirectory, StateDirectoryInUseError } from "../../../backend/agent/state-directory.ts";
import { isRunning, processStartTime } from "../../../backend/process-groups.ts";

let path: string;

beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), "edgefold-state-")), "agent");
});

afterEach(() => {
  rmSync(join(path, ".."), { recursive: true });
});

it("belongs to one process at a time, and keeps the cluster's id", () => {
  const first = openStateDirectory(path);
  expect(() => openStateDirectory(path)).toThrow(StateDirectoryInUseError);
  first.release();
  const second = openStateDirectory(path);
  expect(second.clusterId).toBe(first.clusterId);
  second.release();
});

it("is free after its owner was killed, even while the owner is a zombie", async () => {
  // A child of the shell becomes the child of the program that replaces the shell, which never waits for it.
  const parent = spawn("/bin/sh", ["-c", "sleep 0.1 & echo $!; exec sleep 600"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    const [text]: unknown[] = await once(parent.stdout.setEncoding("utf8"), "data");
    const pid = Number(text);
    const startTime = processStartTime(pid) ?? "";
    mkdirSync(path);
    writeFileSync(join(path, "lock"), JSON.stringify({ pid, startTime }));
    await vi.waitUntil(() => !isRunning(pid, startTime), { timeout: 20_000 });
    expect(processStartTime(pid)).toBe(startTime);
    openStateDirectory(path).release();
  } finally {
    parent.kill("SIGKILL");
  }
});
