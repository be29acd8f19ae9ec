import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { eventually } from "./eventually.ts";
import { claim, claimed, complete, JobFixture, outlive, taskOf } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

afterEach(hangUp);
afterEach(() => {
  vi.restoreAllMocks();
});

test("as many idle runners are woken as there are tasks to claim", async () => {
  const job = await JobFixture.create();
  const busy = await job.runner("busy");
  const map = await job.planned(busy);
  await claimed(await job.runner("other"));
  const idle = [await job.runner("a"), await job.runner("b"), await job.runner("c")];
  for (const runner of idle) expect(await claim(runner)).toMatchObject({ next: { next: "idle" } });
  await busy.request({ kind: "release", attempt: map.attempt, reason: "it is told to end" });
  await eventually(() => expect(idle.flatMap(({ notices }) => notices)).toEqual([{ kind: "wake" }]));
  for (const runner of idle) if (runner.notices.length === 0) await claim(runner);
  expect(idle.flatMap(({ notices }) => notices)).toEqual([{ kind: "wake" }]);
});

describe("a runner", () => {
  test("resumes its attempt after reconnecting", async () => {
    const job = await JobFixture.create();
    const lost = await job.runner();
    const map = await job.planned(lost);
    const back = await job.dial();
    expect(await job.hello(back, "runner", map.attempt)).toMatchObject({ kind: "welcome", resume: true });
    expect(await lost.closed).toMatchObject({ code: closeCodes.replaced });
    expect(await claimed(back)).toEqual(map);
  });

  test("that is silent for a lease loses its attempt, and is fenced when it is back", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner("a");
    const map = await job.planned(runner);
    await runner.close();
    await outlive(job);
    const other = await job.runner("b");
    expect(await claimed(other)).toMatchObject({ kind: "map", index: 0, attempt: `${job.id}-m-0-2` });
    const back = await job.dial();
    expect(await job.hello(back, "a", map.attempt)).toMatchObject({ kind: "welcome", resume: false });
    const { attempt } = map;
    const answers = [
      await complete(back, map),
      await back.request({ kind: "progress", attempt, counters: { builtin: {}, user: {} }, status: "" }),
      await back.request({ kind: "release", attempt, reason: "" }),
      await back.request({ kind: "upload", attempt, path: "http://store/out/x", uploadId: "late" }),
    ];
    expect(answers.map(({ kind }) => kind)).toEqual(["fenced", "fenced", "fenced", "fenced"]);
    expect(await job.query("SELECT upload_id FROM upload")).toEqual([{ upload_id: "late" }]);
    expect(taskOf(await claim(back))).toMatchObject({ index: 1 });
  });

  test("that a store throttles releases its attempt, and the task waits", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner("a");
    const map = await job.planned(runner);
    const before = Date.now();
    const { attempt } = map;
    const answer = await runner.request({ kind: "release", attempt, reason: "SlowDown", pauseSeconds: 20 });
    expect(answer).toMatchObject({ kind: "done" });
    expect(taskOf(await claim(runner))).toMatchObject({ kind: "map", index: 1 });
    const [row] = await job.query("SELECT not_before, row FROM task WHERE kind = 'map' AND idx = 0");
    expect(Number(row?.["not_before"])).toBeGreaterThanOrEqual(before + 20_000);
    expect(JSON.parse(String(row?.["row"]))).toMatchObject({ failures: 0, losses: 0, error: { code: "Throttled" } });
  });

  test("that is lost as often as the job allows fails the job", async () => {
    const job = await JobFixture.create({ maxLosses: 2 });
    const runner = await job.runner("a");
    for (let map = await job.planned(runner), times = 0; times < 2; times++) {
      await runner.request({ kind: "release", attempt: map.attempt, reason: "it is gone" });
      if (times < 1) map = await claimed(runner);
    }
    expect(await job.describe()).toMatchObject({ status: "failed", error: { code: "AttemptsLost" } });
  });

  test("that pings keeps its attempt", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const map = await job.planned(runner);
    const before = Date.now();
    await outlive(job);
    const [row] = await job.query("SELECT status, lease_until FROM attempt WHERE id = ?", map.attempt);
    expect(row?.["status"]).toBe("live");
    expect(Number(row?.["lease_until"])).toBeGreaterThan(before);
  });

  test("whose connection was lost unnoticed has a lease's time to come back", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const map = await job.planned(runner);
    await runner.close();
    await job.query("UPDATE attempt SET linked = 1");
    await outlive(job);
    expect(await job.query("SELECT status, linked FROM attempt WHERE id = ?", map.attempt)).toEqual([
      { status: "live", linked: 0 },
    ]);
    await outlive(job);
    expect(await job.query("SELECT status FROM attempt WHERE id = ?", map.attempt)).toEqual([{ status: "ended" }]);
  });

  test("that the cluster evicts from a drained node does not cost its task a loss", async () => {
    const job = await JobFixture.create({ maxLosses: 1 });
    for (const name of ["a", "b", "c"]) {
      const runner = await job.runner(name);
      const { attempt } = name === "a" ? await job.planned(runner) : await claimed(runner);
      if (name !== "b") await runner.request({ kind: "release", attempt, reason: "SIGTERM", ending: true });
      await job.report({ kind: "exited", runnerId: name, reason: "drained", failure: null, disrupted: true });
    }
    expect(taskOf(await claim(await job.runner("d")))).toMatchObject({ kind: "map", index: 0 });
    expect((await job.describe()).status).toBe("mapping");
  });

  test("that has exited loses its task at once to another one, which is woken", async () => {
    const job = await JobFixture.create();
    const [a, b] = [await job.runner("a"), await job.runner("b")];
    await job.planned(a, [100]);
    expect(await claim(b)).toMatchObject({ next: { next: "idle" } });
    await job.report({ kind: "exited", runnerId: "a", reason: "drained", failure: null });
    await eventually(() => expect(b.notices).toEqual([{ kind: "wake" }]));
    expect(await claimed(b)).toMatchObject({ index: 0, attempt: `${job.id}-m-0-2` });
    await job.report({ kind: "exited", runnerId: "a", reason: "drained", failure: null });
    expect((await job.describe()).progress.maps.running).toBe(1);
  });

  test("that is idle is woken when a failed task is due for a retry", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const map = await job.planned(runner, [100]);
    const error = { code: "Broken", message: "", final: false };
    const answer = await runner.request({ kind: "fail", attempt: map.attempt, error });
    expect(answer).toMatchObject({ next: { next: "idle" } });
    // All sockets are closed; a runner that reconnects is woken when it is time.
    await job.query("UPDATE task SET not_before = not_before + 100000 WHERE kind = 'map'");
    await runner.close();
    const back = await job.runner();
    expect(await claim(back)).toMatchObject({ next: { next: "idle" } });
    const [later] = await job.query("SELECT not_before FROM task WHERE kind = 'map'");
    await eventually(async () => expect(await job.alarm()).toBe(later?.["not_before"]));
    await job.query("UPDATE task SET not_before = 1, row = json_set(row, '$.notBefore', 1) WHERE kind = 'map'");
    await runDurableObjectAlarm(job.stub);
    await eventually(() => expect(back.notices).toEqual([{ kind: "wake" }]));
    expect(await claimed(back)).toMatchObject({ attempt: `${job.id}-m-0-2` });
  });

  test("whose result is invalid fails its attempt", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const map = await job.planned(runner);
    const other = taskOf(await complete(runner, map, { kind: "plan" }));
    expect(other.index).toBe(1);
    await complete(runner, other, { kind: "map", shuffle: { path: "x", lengths: [1, 2, 3], largestBlock: 3 } });
    const rows = await job.query("SELECT json_extract(row, '$.error.code') AS code FROM task WHERE kind = 'map'");
    expect(rows).toEqual([{ code: "InvalidResult" }, { code: "InvalidResult" }]);
  });

  test("that causes an internal error fails its attempt, without partial changes", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const job = await JobFixture.create();
    const runner = await job.runner();
    const reduce = await job.mapped(runner);
    const unserved = { kind: "shuffle-lost", attempt: reduce.attempt, map: 9, mapAttempt: `${job.id}-m-0-1` } as const;
    expect(await runner.request({ ...unserved, message: "" })).toMatchObject({ kind: "fenced" });
    expect(logged).toHaveBeenCalledOnce();
    expect((await job.describe()).status).toBe("reducing");
    expect(
      await job.query("SELECT json_extract(row, '$.error.code') AS code FROM task WHERE kind = 'reduce' AND idx = 0"),
    ).toEqual([{ code: "InternalError" }]);
    expect(await claimed(runner)).toMatchObject({ kind: "reduce", index: 1 });
  });
});
