import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { groupAlive } from "../../../backend/process-groups.ts";
import { closeCodes } from "../../../shared/protocol/connection.ts";
import { protocolVersion } from "../../../shared/protocol/versions.ts";
import { Scene, patiently } from "./scene.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(() => scene.close());

describe("the agent's link", () => {
  it("connects to the cluster's link, identifies itself, and prints that it is connected, again after a cut", async () => {
    const agent = scene.start({ CLUSTER: "east" });
    await vi.waitUntil(() => agent.out.includes("agent connected"), patiently);
    const { path, authorization, received } = scene.worker.current;
    expect({ path, authorization }).toEqual({ path: "/api/v1/agents/east/link", authorization: "Bearer agent-secret" });
    expect(received).toMatchObject([{ kind: "hello", version: protocolVersion, launcher: "process", capacity: 4 }]);
    expect(agent.out).toBe(`agent connected to http://127.0.0.1:${scene.worker.port} as cluster east\n`);
    scene.worker.cut();
    await vi.waitUntil(() => agent.out.includes("agent reconnected to"), patiently);
    expect(scene.worker.received("hello").map((hello) => hello["clusterId"])).toEqual(
      Array(2).fill(received[0]?.["clusterId"]),
    );
  });

  it("ends with an error if its token is refused", async () => {
    scene.worker.refusals = [
      { status: 401, body: JSON.stringify({ title: "Unauthorized", detail: "wrong AGENT_TOKEN" }) },
    ];
    const agent = scene.start();
    expect(await agent.exitCode).toBe(1);
    expect(agent.out).toContain("wrong AGENT_TOKEN");
  });

  it("ends its runners when another agent takes over", async () => {
    scene.want("a", 1);
    const agent = scene.start();
    await scene.settle("a", 1);
    scene.worker.current.socket.close(closeCodes.replaced, "another agent");
    expect(await agent.exitCode).toBe(1);
    expect(scene.alive()).toEqual([]);
  });

  it("refuses a state directory in use by another agent, whose runners stay", async () => {
    scene.want("a", 1);
    scene.start();
    const [runner] = await scene.settle("a", 1);
    const second = scene.start();
    await vi.waitUntil(() => second.out.includes("Another agent"), patiently);
    expect(await second.exitCode).not.toBe(0);
    expect(scene.alive("a")).toEqual([runner]);
  });
});

describe("runners", () => {
  it("know their job, and no secret of the agent", async () => {
    scene.want("a", 1);
    const own = { SORT_BUFFER: "64", AWS_REGION: "x", STORAGE_ENDPOINTS: "localhost:9000,*.example" };
    const agent = scene.start({ ...own, FILE_ROOTS: "", OTHER: "y" });
    const [runner] = await scene.settle("a", 1);
    expect(runner).toMatchObject({ jobId: "a", token: "token-a" });
    const set = { WORKER_URL: `http://127.0.0.1:${scene.worker.port}`, STORAGE_LOOPBACK: "allow" };
    expect(runner?.env).toMatchObject({ ...own, ...set });
    for (const secret of ["agent-secret", "token-a"]) expect(JSON.stringify(runner?.env)).not.toContain(secret);
    for (const name of ["OTHER", "FILE_ROOTS"]) expect(runner?.env).not.toHaveProperty(name);
    expect(existsSync(runner?.workDir ?? "")).toBe(true);
    await vi.waitUntil(() => agent.out.includes(`[${runner?.runnerId}] ready`), patiently);
  });

  it("are as many as wanted, stay while nobody else needs their slots, and report their end", async () => {
    scene.want("a", 1);
    scene.start({ RUNNERS: "4" });
    await scene.settle("a", 1);
    scene.want("a", 3);
    await scene.settle("a", 3);
    scene.want("a", 1);
    scene.want("b", 1);
    await scene.settle("b", 1);
    expect(scene.alive("a")).toHaveLength(3);
    scene.want("b", 3);
    await scene.settle("b", 3);
    const [left] = await scene.settle("a", 1);
    const exits = await scene.told("exited", "a", 2);
    expect(exits.map((exit) => exit["reason"])).toEqual(Array(2).fill("ended with exit code 0"));
    expect(exits.map((exit) => exit["runnerId"])).not.toContain(left?.runnerId);
    expect(scene.seen("a")).toHaveLength(3);
  });

  it("finish their task before they are drained", async () => {
    scene.mode("a", "busy");
    scene.want("a", 2);
    const agent = scene.start({ RUNNERS: "2" }, { quantumMs: 50 });
    const busy = await scene.settle("a", 2);
    scene.want("b", 1);
    scene.want("c", 1);
    await vi.waitUntil(() => busy.every(({ runnerId }) => agent.out.includes(`[${runnerId}] draining`)), patiently);
    expect(scene.alive("a")).toEqual(busy);
    expect(scene.seen("b")).toEqual([]);
    scene.want("a", 0);
    scene.finish();
    await scene.settle("a", 0);
    await Promise.all([scene.settle("b", 1), scene.settle("c", 1)]);
  });

  it("are replaced when they die, and everything that they started ends", async () => {
    scene.mode("a", "program");
    scene.want("a", 1);
    scene.start();
    const [first] = await scene.settle("a", 1);
    process.kill(first?.pid ?? 0, "SIGKILL");
    const [exit] = await scene.told("exited", "a");
    expect(exit).toMatchObject({ runnerId: first?.runnerId, reason: "was ended by SIGKILL" });
    expect(groupAlive(first?.program ?? 0)).toBe(false);
    expect(existsSync(first?.workDir ?? "")).toBe(false);
    const [second] = await scene.settle("a", 1);
    expect(second?.runnerId).not.toBe(first?.runnerId);
  });

  it("that end at once are reported as a condition, until they work again", async () => {
    scene.mode("a", "crash");
    scene.want("a", 2);
    scene.start({}, { settleMs: 2_000, longestWaitMs: 50 });
    const trouble = await scene.trouble("a");
    expect(trouble["conditions"]).toMatchObject([{ type: "RunnersCannotStart" }]);
    expect(JSON.stringify(trouble)).toContain("exit code 3");
    expect(JSON.stringify(trouble)).toContain("no such thing");
    scene.mode("a", "");
    const last = (): unknown => scene.worker.received("conditions").at(-1)?.["conditions"];
    await vi.waitUntil(() => JSON.stringify(last()) === "[]", patiently);
    await scene.settle("a", 2);
  });

  it("share the slots, and take turns if there are not enough", async () => {
    for (const jobId of ["a", "b", "c"]) scene.want(jobId, 5);
    scene.start({ RUNNERS: "1" }, { quantumMs: 50 });
    await vi.waitUntil(() => ["a", "b", "c"].every((jobId) => scene.seen(jobId).length > 1), patiently);
    expect(scene.alive().length).toBeLessThanOrEqual(1);
  });
});

describe("spares", () => {
  it("are two, wait for a job, and are handed to the first one", async () => {
    const agent = scene.start();
    const spares = await scene.settle("", 2);
    scene.want("a", 1);
    const [first] = await scene.settle("a", 1);
    expect(spares.map(({ pid }) => pid)).toContain(first?.pid);
    expect(first?.runnerId).toBe(spares.find(({ pid }) => pid === first?.pid)?.runnerId);
    // Another one replaces the first, although there are two more free slots.
    await scene.settle("", 2);
    expect(scene.alive()).toHaveLength(3);
    scene.want("a", 3);
    const all = await scene.settle("a", 3);
    expect(all.map(({ pid }) => pid)).toEqual(expect.arrayContaining(spares.map(({ pid }) => pid)));
    // One slot is free.
    await scene.settle("", 1);
    expect(scene.alive()).toHaveLength(4);
    expect(agent.out).not.toContain("waited for a job");
  });

  it("give a job a head start, and are back when it is gone", async () => {
    scene.want("a", 1);
    scene.want("b", 1);
    scene.start({ RUNNERS: "2" }, { headStartMs: 3_600_000 });
    await Promise.all([scene.settle("a", 1), scene.settle("b", 1)]);
    scene.removeJob("b");
    await scene.told("removed", "b");
    expect(scene.seen("")).toEqual([]);
    scene.removeJob("a");
    await scene.told("removed", "a");
    await scene.settle("", 2);
    expect(scene.alive()).toHaveLength(2);
  });

  it("that end by themselves are not replaced at once, and cause no condition of a job", async () => {
    scene.mode("", "crash");
    const agent = scene.start({}, { longestWaitMs: 3_600_000 });
    await vi.waitUntil(() => agent.out.match(/no such thing/g)?.length === 2, patiently);
    await vi.waitUntil(() => agent.out.includes("waited for a job ended with exit code 3"), patiently);
    // Both must be gone: the agent could still give the job to a spare whose end it has not seen yet.
    await vi.waitUntil(() => readdirSync(join(scene.stateDir, "agent", "runners")).length === 0, patiently);
    scene.mode("", "");
    scene.want("a", 2);
    await scene.settle("a", 2);
    expect(scene.worker.received("exited")).toEqual([]);
    expect(scene.worker.received("conditions")).toEqual([]);
    expect(agent.out.match(/no such thing/g)).toHaveLength(2);
    expect(agent.out.match(/waited for a job/g)).toHaveLength(1);
    expect(scene.seen("")).toEqual([]);
  });

  it("that end by themselves are replaced later, and the reason becomes the job's condition if its runners end the same way", async () => {
    scene.mode("", "crash");
    const agent = scene.start({}, { longestWaitMs: 50 });
    await vi.waitUntil(() => (agent.out.match(/waited for a job/g) ?? []).length > 1, patiently);
    expect(scene.worker.received("conditions")).toEqual([]);
    scene.want("a", 1);
    expect(JSON.stringify(await scene.trouble("a"))).toContain("no such thing");
    scene.mode("", "");
    await scene.settle("a", 1);
    await scene.settle("", 2);
  });

  it("that are killed are not replaced at once, and the next job still gets the runners it wants", async () => {
    scene.start({ RUNNERS: "2" }, { longestWaitMs: 3_600_000 });
    const [killed, other] = await scene.settle("", 2);
    process.kill(killed?.pid ?? 0, "SIGKILL");
    await scene.settle("", 1);
    scene.want("a", 2);
    const runners = await scene.settle("a", 2);
    expect(runners.map(({ pid }) => pid)).toContain(other?.pid);
    expect(scene.worker.received("exited").filter(({ runnerId }) => runnerId !== killed?.runnerId)).toEqual([]);
  });

  it.each(["SIGTERM", "SIGKILL"] as const)("end with their agent when it ends by %s", async (signal) => {
    const agent = scene.start();
    await scene.settle("", 2);
    agent.child.kill(signal);
    await agent.exitCode;
    await scene.settle("", 0);
    expect(scene.worker.received("exited")).toEqual([]);
    scene.start();
    await scene.settle("", 2);
    expect(scene.worker.received("exited")).toEqual([]);
  });

  it("that outlive their agent are ended by the next one, which does not report them", async () => {
    scene.mode("", "deaf program");
    const agent = scene.start();
    const left = await scene.settle("", 2);
    agent.child.kill("SIGKILL");
    await agent.exitCode;
    expect(left.filter(({ pid }) => groupAlive(pid))).toEqual(left);
    scene.mode("", "");
    scene.start();
    await vi.waitUntil(() => !left.some(({ pid, program }) => groupAlive(pid) || groupAlive(program ?? 0)), patiently);
    await scene.settle("", 2);
    expect(left.filter(({ workDir }) => existsSync(join(workDir, "..")))).toEqual([]);
    expect(scene.worker.received("exited")).toEqual([]);
  });
});

describe("the removal of a job", () => {
  it("ends its runners, even those that ignore it, and their processes", async () => {
    scene.mode("a", "deaf program");
    scene.want("a", 2);
    scene.want("b", 1);
    scene.start({}, { killAfterMs: 200 });
    const runners = await scene.settle("a", 2);
    await scene.settle("b", 1);
    scene.removeJob("a");
    await scene.told("removed", "a");
    expect(scene.alive("a")).toEqual([]);
    expect(runners.filter(({ program }) => groupAlive(program ?? 0))).toEqual([]);
    expect(scene.worker.received("exited").map((exit) => exit["jobId"])).toEqual(["a", "a"]);
    expect(scene.alive("b")).toHaveLength(1);
  });

  it("is answered for an unknown job", async () => {
    scene.remove = ["x"];
    scene.start();
    await scene.told("removed", "x");
  });

  it("is made up for after a cut, and unanswered reports are repeated", async () => {
    scene.want("a", 1);
    scene.start();
    await scene.settle("a", 1);
    let silent = true;
    scene.worker.answer = (message, from) => {
      if (message.kind === "hello" || !silent) scene.answer(message, from);
    };
    scene.wanted = [];
    scene.remove = ["a"];
    scene.worker.cut();
    await scene.told("removed", "a");
    silent = false;
    scene.worker.cut();
    const [first, second] = await scene.told("removed", "a", 2);
    expect(second).toEqual(first);
    const [exit, again] = await scene.told("exited", "a", 2);
    expect(again).toEqual(exit);
    expect(scene.alive("a")).toEqual([]);
  });

  it("does not affect a job that the Worker does not mention", async () => {
    scene.want("a", 1);
    scene.start({ RUNNERS: "1" });
    const [runner] = await scene.settle("a", 1);
    scene.wanted = [];
    scene.want("b", 1);
    scene.worker.cut();
    await vi.waitUntil(() => scene.worker.received("hello").length === 2, patiently);
    process.kill(runner?.pid ?? 0, "SIGKILL");
    await scene.told("exited", "a");
    await scene.settle("b", 1);
    expect(scene.seen("a")).toEqual([runner]);
  });

  it("is completed before the same job starts again", async () => {
    scene.mode("a", "deaf");
    scene.want("a", 1);
    scene.start({}, { killAfterMs: 200 });
    const [runner] = await scene.settle("a", 1);
    scene.removeJob("a");
    scene.want("a", 1);
    await scene.told("removed", "a");
    const [next] = await scene.settle("a", 1);
    expect(next?.runnerId).not.toBe(runner?.runnerId);
  });
});

describe("the end of an agent", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "by %s ends its runners, reports them, and is not a failure",
    async (signal) => {
      scene.mode("a", "deaf program");
      scene.want("a", 2);
      const agent = scene.start({}, { killAfterMs: 200 });
      await scene.settle("a", 2);
      agent.child.kill(signal);
      expect(await agent.exitCode).toBe(0);
      expect(scene.alive()).toEqual([]);
      expect(scene.worker.received("exited")).toHaveLength(2);
    },
  );

  it("by a second signal is immediate", async () => {
    scene.mode("a", "deaf");
    scene.want("a", 1);
    const agent = scene.start({}, { killAfterMs: 3_600_000 });
    await scene.settle("a", 1);
    agent.child.kill("SIGTERM");
    agent.child.kill("SIGINT");
    expect(await agent.exitCode).toBe(1);
    await scene.settle("a", 0);
    scene.start();
    await scene.told("exited", "a");
  });

  it("by SIGKILL leaves only runners, which the next agent ends and reports", async () => {
    scene.mode("a", "deaf program");
    scene.want("a", 2);
    const agent = scene.start();
    const left = await scene.settle("a", 2);
    agent.child.kill("SIGKILL");
    await agent.exitCode;
    expect(scene.alive("a")).toHaveLength(2);
    scene.wanted = [];
    scene.start();
    const exits = await scene.told("exited", "a", 2);
    expect(new Set(exits.map((exit) => exit["runnerId"]))).toEqual(new Set(left.map(({ runnerId }) => runnerId)));
    expect(left.filter(({ pid, program }) => groupAlive(pid) || groupAlive(program ?? 0))).toEqual([]);
    expect(left.filter(({ workDir }) => existsSync(join(workDir, "..")))).toEqual([]);
  });

  it("by SIGKILL before the Worker knows of a runner's end leaves the report to the next one", async () => {
    scene.want("a", 1);
    const agent = scene.start();
    const [runner] = await scene.settle("a", 1);
    scene.worker.answer = (message, from) => {
      if (message.kind !== "exited") scene.answer(message, from);
    };
    scene.wanted = [];
    process.kill(runner?.pid ?? 0, "SIGKILL");
    // From here on, nothing else shows that the runner existed.
    await scene.told("exited", "a");
    expect(existsSync(join(runner?.workDir ?? "", ".."))).toBe(false);
    agent.child.kill("SIGKILL");
    await agent.exitCode;
    scene.worker.answer = (message, from) => scene.answer(message, from);
    scene.start();
    const [, again] = await scene.told("exited", "a", 2);
    expect(again).toMatchObject({ runnerId: runner?.runnerId });
    const exits = join(scene.stateDir, "agent", "exits");
    await vi.waitUntil(() => !readdirSync(exits).includes(runner?.runnerId ?? ""), patiently);
  });

  it("by SIGKILL also ends its runners", async () => {
    scene.want("a", 2);
    const agent = scene.start();
    await scene.settle("a", 2);
    agent.child.kill("SIGKILL");
    await scene.settle("a", 0);
    scene.wanted = [];
    scene.start();
    await scene.told("exited", "a", 2);
  });
});
