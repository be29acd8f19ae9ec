import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { ConfigError, readAgentConfig } from "../../../backend/agent/config.ts";

it("has a default for everything but the token", () => {
  expect(readAgentConfig({ AGENT_TOKEN: "t", CLUSTER: "" })).toEqual({
    launcher: "process",
    workerUrl: "http://localhost:4750",
    cluster: "default",
    token: "t",
    runners: availableParallelism(),
    stateDir: resolve(".wrangler/state"),
    shuffle: resolve(".wrangler/state/agent/shuffle"),
  });
});

it("takes the given values", () => {
  const environment = {
    WORKER_URL: "https://x.example/",
    CLUSTER: "east-1",
    AGENT_TOKEN: "t",
    RUNNERS: "8",
    STATE_DIR: "/s",
    SHUFFLE: "/fast",
  };
  expect(readAgentConfig(environment)).toEqual({
    launcher: "process",
    workerUrl: "https://x.example",
    cluster: "east-1",
    token: "t",
    runners: 8,
    stateDir: "/s",
    shuffle: "/fast",
  });
});

it("keeps map outputs in the job's store if told to", () => {
  expect(readAgentConfig({ AGENT_TOKEN: "t", SHUFFLE: "store" }).shuffle).toBe("store");
});

it.each([
  ["AGENT_TOKEN", ""],
  ["WORKER_URL", "localhost:4750"],
  ["WORKER_URL", "ftp://x"],
  ["CLUSTER", "a/b"],
  ["RUNNERS", "0"],
  ["RUNNERS", "2.5"],
  ["RUNNERS", "many"],
  ["STORAGE_ENDPOINTS", "https://store.example.com"],
  ["STORAGE_ENDPOINTS", "store.example.com,,"],
])("names %s when it is %j", (name, value) => {
  const read = (): unknown => readAgentConfig({ AGENT_TOKEN: "t", [name]: value });
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(new RegExp(`^${name} `));
});

it("names every faulty variable", () => {
  expect(() => readAgentConfig({ CLUSTER: "A", RUNNERS: "x" })).toThrow(/CLUSTER .*\nAGENT_TOKEN .*\nRUNNERS /);
});
