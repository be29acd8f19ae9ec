import { expect, test } from "vitest";
import { readConfig } from "../../../backend/runner/config.ts";

const MiB = 1024 * 1024;
const required = {
  WORKER_URL: "http://localhost:4750",
  JOB_ID: "job",
  RUNNER_TOKEN: "token",
  RUNNER_ID: "runner-1",
  WORK_DIR: "/work",
  PROCESS_LEDGER: "/ledger",
};

test("the sort buffer and the longest record follow from the memory", () => {
  expect(readConfig(required)).toMatchObject({ SORT_BUFFER: 160 * MiB, RECORD_LIMIT: 16 * MiB });
  const twice = readConfig({ ...required, RUNNER_MEMORY: String(1024 * MiB) });
  expect(twice).toMatchObject({ SORT_BUFFER: 416 * MiB, RECORD_LIMIT: 32 * MiB });
});

test("both can be set, the memory not to less than a runner needs", () => {
  const set = readConfig({ ...required, SORT_BUFFER: "1000", RECORD_LIMIT: "10" });
  expect(set).toMatchObject({ SORT_BUFFER: 1000, RECORD_LIMIT: 10 });
  expect(() => readConfig({ ...required, RUNNER_MEMORY: "1000" })).toThrow(/^RUNNER_MEMORY: /);
  expect(() => readConfig({ ...required, SHUFFLE: "relative" })).toThrow(/^SHUFFLE: /);
});
