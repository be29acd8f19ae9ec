import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { eventually } from "./eventually.ts";
import { claim, claimed, complete, JobFixture, taskOf, type Runner } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

afterEach(hangUp);

const idle = { next: { next: "idle" } };

/** A job with two maps: `quick` has completed one and is idle, `slow` runs the other. */
const halfDone = async (changes: Record<string, unknown> = {}) => {
  const job = await JobFixture.create(changes);
  const [quick, slow] = [await job.runner("quick"), await job.runner("slow")];
  const first = await job.planned(quick);
  const straggler = await claimed(slow);
  expect(await complete(quick, first)).toMatchObject(idle);
  return { job, quick, slow, straggler };
};

/** Makes the open attempts look as if they had started a minute earlier. */
const age = async (job: JobFixture): Promise<void> => {
  await job.query("UPDATE attempt SET started = started - 60000 WHERE status = 'live'");
};

describe("a task that takes much longer than the others", () => {
  test("is also given to an idle runner, woken by an alarm; the first to finish wins, and the other is revoked", async () => {
    const { job, quick, slow, straggler } = await halfDone();
    await eventually(async () => expect(await job.alarm()).toBeLessThan(Date.now() + 5000));
    await age(job);
    await runDurableObjectAlarm(job.stub);
    await eventually(() => expect(quick.notices).toEqual([{ kind: "wake" }]));
    const second = await claimed(quick);
    expect(second).toMatchObject({ kind: "map", index: straggler.index, attempt: `${job.id}-m-1-2` });
    expect(taskOf(await complete(quick, second))).toMatchObject({ kind: "reduce" });
    await eventually(() =>
      expect(slow.notices).toEqual([
        { kind: "revoke", attempt: straggler.attempt, reason: "another attempt was first" },
      ]),
    );
    // The slow runner completes its attempt all the same, as if the notice came too late.
    expect(taskOf(await complete(slow, straggler))).toMatchObject({ kind: "reduce", index: 1 });
    expect((await job.describe()).progress.maps).toEqual({ total: 2, running: 0, completed: 2, failed: 0 });
  });

  test("wakes one idle runner, and no other until that one has asked for work", async () => {
    const { job, quick } = await halfDone();
    const other = await job.runner("other");
    expect(await claim(other)).toMatchObject(idle);
    await age(job);
    for (let alarms = 0; alarms < 3; alarms++) await runDurableObjectAlarm(job.stub);
    const notices = (): unknown[] => [...quick.notices, ...other.notices];
    await eventually(() => expect(notices()).toEqual([{ kind: "wake" }]));
    expect(await claimed(quick.notices.length > 0 ? quick : other)).toMatchObject({ kind: "map" });
    expect(notices()).toEqual([{ kind: "wake" }]);
  });

  test("is left alone if the job turns speculation off", async () => {
    const { job, quick } = await halfDone({ speculation: false });
    await age(job);
    await runDurableObjectAlarm(job.stub);
    expect(await claim(quick)).toMatchObject(idle);
    expect(quick.notices).toEqual([]);
  });
});

test("the segments of a reduce omit those of a tolerated failed map", async () => {
  const job = await JobFixture.create({ maxFailedMapsPercent: 50 });
  const runner = await job.runner();
  const first = await job.planned(runner);
  const error = { code: "NoSuchKey", message: "it is gone", final: true };
  const second = taskOf(await runner.request({ kind: "fail", attempt: first.attempt, error }));
  const reduce = taskOf(await complete(runner, second));
  expect(reduce.kind).toBe("reduce");
  expect(await runner.request({ kind: "segments", attempt: reduce.attempt, from: 0 })).toMatchObject({
    segments: [{ map: 1 }],
    nextFrom: null,
  });
  expect(await job.describe()).toMatchObject({ failedMaps: [0], progress: { maps: { completed: 1, failed: 1 } } });
});

test("the map that fails the job is not among its tolerated failed maps", async () => {
  const job = await JobFixture.create({ maxFailedMapsPercent: 50 });
  const runner = await job.runner();
  const first = await job.planned(runner, [100, 100, 100]);
  const error = { code: "NoSuchKey", message: "it is gone", final: true };
  const second = taskOf(await runner.request({ kind: "fail", attempt: first.attempt, error }));
  await runner.request({ kind: "fail", attempt: second.attempt, error });
  expect(await job.stub.describe()).toMatchObject({ status: "failed", failedMaps: [0] });
});

const failNext = async (runner: Runner, failed: string): Promise<void> => {
  const { attempt } = await claimed(runner);
  const error = { code: "Broken", message: failed, final: false };
  await Promise.race([runner.request({ kind: "fail", attempt, error }), runner.closed]);
};

describe("a runner that fails several tasks", () => {
  test("is retired after three, so that another replaces it", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    await job.planned(runner, [100, 100, 100, 100]);
    for (const why of ["disk", "memory", "heat"]) await failNext(runner, why);
    expect(await runner.closed).toMatchObject({ code: closeCodes.retired });
    const other = await job.runner("other");
    expect(await claimed(other)).toMatchObject({ kind: "map" });
  });

  test("stays if it has completed one in between", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    await job.planned(runner, [100, 100, 100, 100]);
    for (const why of ["disk", "memory"]) await failNext(runner, why);
    await complete(runner, await claimed(runner));
    await failNext(runner, "heat");
    expect(await claim(runner)).toMatchObject({ kind: "next" });
  });
});
