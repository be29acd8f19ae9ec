import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Agent } from "../../../backend/agent/agent.ts";
import type { LauncherEvents } from "../../../backend/agent/launchers/launcher.ts";
import type { WantedJob } from "../../../shared/protocol/agent.ts";
import { closeCodes } from "../../../shared/protocol/connection.ts";
import { FakeWorker, type Received } from "../fake-worker.ts";
import { patiently } from "./scene.ts";

let worker: FakeWorker;
let agent: Agent;
let events: LauncherEvents;
/** The kinds of reports for the Worker to refuse, from the front. */
let refusals: string[];
/** The welcome for the next connections. */
let welcome: { readonly wanted: readonly WantedJob[]; readonly isPartial?: boolean };
/** The jobs last given to the launcher. */
let launched: string[];

beforeEach(async () => {
  refusals = [];
  welcome = { wanted: [] };
  launched = [];
  worker = await FakeWorker.start();
  worker.answer = ({ id, kind }, from) => {
    const isRefused = refusals[0] === kind;
    if (isRefused) refusals.shift();
    if (kind === "hello") from.send({ re: id, kind: "welcome", remove: [], ...welcome });
    else from.send(isRefused ? { re: id, kind: "error", message: "not now" } : { re: id, kind: "done" });
  };
  agent = new Agent({
    url: `ws://127.0.0.1:${worker.port}/`,
    token: "token",
    clusterId: "cluster",
    launcher: (launcherEvents) => {
      events = launcherEvents;
      return {
        name: "none",
        capacity: 1,
        want: (jobs) => {
          launched = jobs.map(({ jobId }) => jobId);
        },
        remove: async () => undefined,
        stop: async () => undefined,
        kill: () => undefined,
      };
    },
    onConnected: () => undefined,
    log: () => undefined,
  });
  await vi.waitUntil(() => worker.received("hello").length > 0, patiently);
});
afterEach(async () => {
  await agent.stop();
  await worker.stop();
});

const told = async (kind: string, count: number): Promise<Received[]> =>
  await vi.waitUntil(() => {
    const received = worker.received(kind);
    return received.length >= count ? received : undefined;
  }, patiently);

describe("a report that the Worker does not accept", () => {
  it("is repeated until the Worker accepts it", async () => {
    refusals = ["exited", "exited", "failed", "removed"];
    const known = events.exited("a", "runner", { reason: "drained" });
    expect(await known).toBe(true);
    expect(worker.received("exited")).toHaveLength(3);
    events.failed("a", { code: "NotAllowed", message: "" });
    await told("failed", 2);
    worker.current.send({ kind: "remove", jobId: "a" });
    await told("removed", 2);
  });

  it("is superseded by a newer one for the same job", async () => {
    refusals = ["conditions"];
    events.conditions("a", [{ type: "ImagePullBackOff", message: "" }]);
    await told("conditions", 1);
    events.conditions("a", [{ type: "Unschedulable", message: "" }]);
    events.conditions("b", []);
    events.conditions("a", []);
    const reports = await told("conditions", 3);
    expect(reports.filter(({ jobId }) => jobId === "a").map(({ conditions }) => conditions)).toEqual([
      [{ type: "ImagePullBackOff", message: "" }],
      [],
    ]);
  });

  it("is given up when the link ends", async () => {
    refusals = Array<string>(1000).fill("exited");
    const known = events.exited("a", "runner", { reason: "drained" });
    await told("exited", 1);
    worker.current.socket.close(closeCodes.replaced, "another agent");
    expect(await known).toBe(false);
  });
});

const job = (jobId: string): WantedJob => ({
  jobId,
  version: 1,
  runners: 1,
  token: "token",
  pods: { credentialSecrets: [] },
});

/** Makes the agent reconnect and receive a welcome, and then gives it another job. */
const reconnect = async (last: string): Promise<void> => {
  const before = worker.connections.length;
  worker.cut();
  await vi.waitUntil(() => worker.connections.length > before && worker.current.received.length > 0, patiently);
  worker.current.send({ kind: "wanted", job: job(last) });
  await vi.waitUntil(() => launched.includes(last), patiently);
};

describe("a welcome", () => {
  it("replaces what was wanted, unless it is partial", async () => {
    welcome = { wanted: [job("a"), job("b")] };
    await reconnect("first");
    expect(launched).toEqual(["a", "b", "first"]);
    welcome = { wanted: [job("a")], isPartial: true };
    await reconnect("second");
    expect(launched).toEqual(["a", "b", "first", "second"]);
    welcome = { wanted: [job("a")] };
    await reconnect("third");
    expect(launched).toEqual(["a", "third"]);
  });
});
