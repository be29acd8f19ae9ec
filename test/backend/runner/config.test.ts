import { expect, it } from "vitest";
import { readConfig, takeJobOrder } from "../../../backend/runner/config.ts";

const MiB = 1024 * 1024;
const environment = { WORKER_URL: "http://localhost:4750", RUNNER_ID: "r", WORK_DIR: "/w", PROCESS_LEDGER: "/l" };

it("needs no job before there is one", () => {
  expect(readConfig({ ...environment, PARENT: "pipe" })).toMatchObject({ ...environment, PARENT: "pipe" });
  expect(() => readConfig({ ...environment, RUNNER_ID: "" })).toThrow(/^RUNNER_ID: /);
});

it("takes the job from the environment, and leaves no token there", () => {
  const variables = { ...environment, JOB_ID: "j", RUNNER_TOKEN: "secret" };
  expect(takeJobOrder(variables)).toEqual({ jobId: "j", token: "secret" });
  expect(JSON.stringify(variables)).not.toContain("secret");
  expect(() => takeJobOrder(variables)).toThrow(/^RUNNER_TOKEN: /);
});

it("the sort buffer and the longest record follow from the memory", () => {
  expect(readConfig(environment)).toMatchObject({ SORT_BUFFER: 160 * MiB, RECORD_LIMIT: 16 * MiB });
  const twice = readConfig({ ...environment, RUNNER_MEMORY: String(1024 * MiB) });
  expect(twice).toMatchObject({ SORT_BUFFER: 416 * MiB, RECORD_LIMIT: 32 * MiB });
});

it("both can be set, the memory not to less than a runner needs", () => {
  const set = readConfig({ ...environment, SORT_BUFFER: "1000", RECORD_LIMIT: "10" });
  expect(set).toMatchObject({ SORT_BUFFER: 1000, RECORD_LIMIT: 10 });
  expect(() => readConfig({ ...environment, RUNNER_MEMORY: "1000" })).toThrow(/^RUNNER_MEMORY: /);
  expect(() => readConfig({ ...environment, SHUFFLE: "relative" })).toThrow(/^SHUFFLE: /);
});
