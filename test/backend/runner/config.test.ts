import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readConfig, readJobOrder } from "../../../backend/runner/config.ts";

const MiB = 1024 * 1024;
const environment = { WORKER_URL: "http://localhost:4750", RUNNER_ID: "r", WORK_DIR: "/w", PROCESS_LEDGER: "/l" };

it("needs no job at first", () => {
  expect(readConfig({ ...environment, PARENT: "pipe" })).toMatchObject({ ...environment, PARENT: "pipe" });
  expect(() => readConfig({ ...environment, RUNNER_ID: "" })).toThrow(/^RUNNER_ID: /);
});

it("takes the job from the environment, and its token from a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "edgefold-test-"));
  try {
    writeFileSync(join(folder, "token"), "secret\n");
    const variables = { ...environment, JOB_ID: "j", RUNNER_TOKEN_FILE: join(folder, "token") };
    expect(readJobOrder(variables)).toEqual({ jobId: "j", token: "secret" });
    expect(() => readJobOrder({ ...environment, JOB_ID: "j" })).toThrow(/^RUNNER_TOKEN_FILE: /);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("the sort buffer and the longest record are derived from the memory", () => {
  expect(readConfig(environment)).toMatchObject({ SORT_BUFFER: 160 * MiB, RECORD_LIMIT: 16 * MiB });
  const twice = readConfig({ ...environment, RUNNER_MEMORY: String(1024 * MiB) });
  expect(twice).toMatchObject({ SORT_BUFFER: 416 * MiB, RECORD_LIMIT: 32 * MiB });
  const large = readConfig({ ...environment, RUNNER_MEMORY: String(8192 * MiB) });
  expect(large).toMatchObject({ SORT_BUFFER: 1024 * MiB, RECORD_LIMIT: 256 * MiB });
});

it("allows any endpoint by default, except loopback addresses", () => {
  expect(readConfig(environment).STORAGE_ENDPOINTS).toBeUndefined();
  expect(readConfig(environment).STORAGE_LOOPBACK).toBe("refuse");
  expect(() => readConfig({ ...environment, STORAGE_ENDPOINTS: "a b" })).toThrow(/^STORAGE_ENDPOINTS: .*'a b'/);
});

it.each([
  ["RECORD_LIMIT", { RECORD_LIMIT: String(512 * MiB) }, { RECORD_LIMIT: String(512 * MiB + 1) }, /at most 536870912/],
  ["MERGE_FACTOR", { MERGE_FACTOR: "4096" }, { MERGE_FACTOR: "4097" }, /at most 4096/],
  ["MERGE_FACTOR", { MERGE_FACTOR: "2" }, { MERGE_FACTOR: "1" }, />=2/],
  [
    "SORT_BUFFER",
    { SORT_BUFFER: String(320 * MiB) },
    { SORT_BUFFER: String(320 * MiB + 1) },
    /at most RUNNER_MEMORY less .* raise RUNNER_MEMORY/,
  ],
  ["RUNNER_MEMORY", { RUNNER_MEMORY: String(256 * MiB) }, { RUNNER_MEMORY: "256Mi" }, /a number of bytes/],
  ["TASK_OUTPUT_LIMIT", { TASK_OUTPUT_LIMIT: "1" }, { TASK_OUTPUT_LIMIT: "1e400" }, /a number of bytes/],
])("%s has limits, and its error names them", (name, within, beyond, message) => {
  expect(() => readConfig({ ...environment, ...within })).not.toThrow();
  expect(() => readConfig({ ...environment, ...beyond })).toThrow(new RegExp(`^${name}: .*${message.source}`));
});

it("the longest record stays within its limit, whatever the memory", () => {
  const config = readConfig({ ...environment, RUNNER_MEMORY: String(64 * 1024 * MiB) });
  expect(config.RECORD_LIMIT).toBe(512 * MiB);
});

it("both can be set, and the memory only to what a runner needs or more", () => {
  const set = readConfig({ ...environment, SORT_BUFFER: "1000", RECORD_LIMIT: "10" });
  expect(set).toMatchObject({ SORT_BUFFER: 1000, RECORD_LIMIT: 10 });
  expect(() => readConfig({ ...environment, RUNNER_MEMORY: "1000" })).toThrow(/^RUNNER_MEMORY: /);
  expect(() => readConfig({ ...environment, SHUFFLE: "relative" })).toThrow(/^SHUFFLE: /);
});
