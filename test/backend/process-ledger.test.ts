import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { groupAlive, groupMembers, processStartTime, sendSignal, startedSince } from "../../backend/process-groups.ts";
import { ProcessLedger, reap, recordMark } from "../../backend/process-ledger.ts";
import { markVariable } from "../../backend/process-mark.ts";
import { isAlive } from "../helpers/proc.ts";
import { strayKinds } from "../helpers/strays.ts";
import { until } from "../helpers/until.ts";

let dir: string;
const groups: number[] = [];

/** Starts a shell as the leader of its own group. */
const start = (script: string) => {
  const child = spawn("sh", ["-c", script], { detached: true, stdio: "ignore" });
  if (child.pid === undefined) throw new Error("sh did not start");
  groups.push(child.pid);
  return { child, pid: child.pid };
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "ledger-"));
});

afterEach(async () => {
  for (const group of groups) sendSignal(-group, "SIGKILL");
  await vi.waitUntil(() => !groups.some(groupAlive), { timeout: 20_000, interval: 5 });
  groups.length = 0;
  rmSync(dir, { recursive: true, force: true });
});

it("ends a recorded group with all its members", async () => {
  const ledger = new ProcessLedger(join(dir, "a"));
  const { pid } = start("sleep 1000 & sleep 1000 & wait");
  ledger.add(pid);
  await vi.waitUntil(() => groupMembers(pid).length === 3, { timeout: 20_000, interval: 5 });
  expect(await reap(join(dir, "a"))).toBe(3);
  expect(groupAlive(pid)).toBe(false);
  expect(readdirSync(join(dir, "a"))).toEqual([]);
});

it("ends what a dead leader has left in its group", async () => {
  const { child, pid } = start("sleep 1000 & exit 0");
  new ProcessLedger(dir).add(pid);
  await once(child, "exit");
  expect(processStartTime(pid)).toBeUndefined();
  expect(groupAlive(pid)).toBe(true);
  expect(await reap(dir)).toBe(1);
  expect(groupAlive(pid)).toBe(false);
});

it("leaves a process alone that has reused the pid", async () => {
  const { pid } = start("sleep 1000");
  new ProcessLedger(dir).add(pid);
  const path = join(dir, `${pid}.json`);
  const other = readFileSync(path, "utf8").replace(/\d"}$/, (end) => `${end.startsWith("1") ? 2 : 1}"}`);
  expect(other).not.toBe(readFileSync(path, "utf8"));
  writeFileSync(path, other);
  expect(await reap(dir)).toBe(0);
  expect(groupAlive(pid)).toBe(true);
  expect(readdirSync(dir)).toEqual([]);
});

it("leaves a group alone whose members are older than the record", async () => {
  const { child, pid } = start("sleep 1000 & exit 0");
  await once(child, "exit");
  const [member] = groupMembers(pid);
  const later = member?.startTime.replace(/\d+$/, (ticks) => String(Number(ticks) + 1)) ?? "";
  writeFileSync(join(dir, "x.json"), JSON.stringify({ pid, startTime: later }));
  expect(await reap(dir)).toBe(0);
  expect(groupAlive(pid)).toBe(true);
});

it("does not compare start times of different boots", () => {
  expect(startedSince("boot-a/2", "boot-a/1")).toBe(true);
  expect(startedSince("boot-a/1", "boot-a/2")).toBe(false);
  expect(startedSince("boot-b/2", "boot-a/1")).toBe(false);
});

it("forgets removed entries and invalid records", async () => {
  const ledger = new ProcessLedger(dir);
  const { pid } = start("sleep 1000");
  ledger.add(pid);
  ledger.remove(pid);
  ledger.remove(pid);
  writeFileSync(join(dir, "1.json"), "half a rec");
  expect(await reap(dir)).toBe(0);
  expect(groupAlive(pid)).toBe(true);
  expect(readdirSync(dir)).toEqual([]);
  expect(await reap(join(dir, "none"))).toBe(0);
});

it("parses a command's name correctly, whatever it contains", async () => {
  const { pid } = start("sleep 1000");
  const script = join(dir, "a) R 1 1 (b");
  writeFileSync(script, "#!/bin/sh\nsleep 1000\n", { mode: 0o755 });
  const named = spawn(script, [], { detached: true, stdio: "ignore" });
  await once(named, "spawn");
  const odd = named.pid ?? 0;
  groups.push(odd);
  expect(groupMembers(odd).map((member) => member.group)).toContain(odd);
  expect(processStartTime(odd)).toMatch(/\d/);
  expect(startedSince(processStartTime(odd) ?? "", processStartTime(pid) ?? "")).toBe(true);
});

/** Starts a shell that carries a mark in its limit on file locks, in its environment, or in both. */
const startMarked = (script: string, mark: number, by: "limit" | "variable" | "both") => {
  const env = { ...process.env, ...(by === "limit" ? {} : { [markVariable]: String(mark) }) };
  const command = ["bash", "-c", script];
  const [program = "", ...args] = by === "variable" ? command : ["prlimit", `--locks=${mark}`, ...command];
  const child = spawn(program, args, { detached: true, stdio: "ignore", env });
  if (child.pid === undefined) throw new Error("bash did not start");
  groups.push(child.pid);
  return child;
};

const marks = 2 ** 46;

it.each(Object.entries(strayKinds))("ends processes that carry the recorded mark: %s", async (_, stray) => {
  const file = join(dir, "pids");
  const ledger = join(dir, "ledger");
  mkdirSync(ledger);
  recordMark(ledger, marks + 1);
  await once(startMarked(stray(file), marks + 1, "both"), "exit");
  const pid = await until("the stray's pid", () => Number(readPid(file)) || undefined);
  expect(isAlive(pid)).toBe(true);
  expect(await reap(ledger)).toBeGreaterThan(0);
  expect(isAlive(pid)).toBe(false);
});

const readPid = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
};

it("finds a mark in either place, and no other mark", async () => {
  recordMark(dir, marks + 2);
  const byLimit = startMarked("exec sleep 1000", marks + 2, "limit").pid ?? 0;
  const byVariable = startMarked("exec sleep 1000", marks + 2, "variable").pid ?? 0;
  const other = startMarked("exec sleep 1000", marks + 3, "both").pid ?? 0;
  expect(await reap(dir)).toBe(2);
  expect([byLimit, byVariable, other].map(isAlive)).toEqual([false, false, true]);
  // The mark stays, for processes started later.
  expect(readdirSync(dir)).toEqual(["mark.json"]);
});

it("ends processes that have left a recorded group but not its session or its parent", async () => {
  const file = join(dir, "pids");
  const ledger = new ProcessLedger(join(dir, "ledger"));
  const { pid } = start(`set -m; (echo $$ > ${file}; exec sleep 1000) & wait`);
  ledger.add(pid);
  await until("the child", () => readPid(file) || undefined);
  expect(await reap(join(dir, "ledger"))).toBe(2);
  expect(groupAlive(pid)).toBe(false);
});
