import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { clusterOf, registryOf } from "../../worker/env.ts";
import { eventually } from "./eventually.ts";
import { claimed, complete, finish, JobFixture, taskOf } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

afterEach(hangUp);

const wantedOf = async (id: string): Promise<unknown> =>
  await runInDurableObject(clusterOf(env, "default"), (_, state) => ({
    wanted: state.storage.sql
      .exec("SELECT wanted ->> 'runners' AS runners FROM wanted_job WHERE job = ?", id)
      .toArray(),
    removal: state.storage.sql.exec("SELECT 1 AS one FROM removal WHERE job = ?", id).toArray().length,
  }));
const listed = async (id: string): Promise<string | undefined> => {
  const { items } = await registryOf(env).listJobs({}, null, 1000);
  return items.find((item) => item.includes(id) && item.includes('"status"'));
};

describe("the state of a job", () => {
  test("is sent to the cluster and the Registry", async () => {
    const job = await JobFixture.create();
    await eventually(async () => expect(await wantedOf(job.id)).toEqual({ wanted: [{ runners: 1 }], removal: 0 }));
    const runner = await job.runner();
    const map = await job.planned(runner, [100, 100, 100]);
    await eventually(async () => expect(await wantedOf(job.id)).toEqual({ wanted: [{ runners: 3 }], removal: 0 }));
    await eventually(async () => expect(await listed(job.id)).toContain('"status":"mapping"'));
    await runner.request({ kind: "fail", attempt: map.attempt, error: { code: "Broken", message: "", final: true } });
    finish(runner, await claimed(runner));
    await eventually(async () => expect(await wantedOf(job.id)).toEqual({ wanted: [], removal: 1 }));
    await eventually(async () => expect(await listed(job.id)).toContain('"status":"failed"'));
    await eventually(async () => expect(await job.query("SELECT * FROM outbox WHERE due IS NOT NULL")).toEqual([]));
  });

  test("is sent to the cluster while a phase runs out of tasks", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    let map = await job.planned(runner, [100, 100, 100, 100]);
    for (let left = 3; left > 0; left--) {
      map = taskOf(await complete(runner, map));
      await eventually(async () => expect(await wantedOf(job.id)).toEqual({ wanted: [{ runners: left }], removal: 0 }));
    }
  });

  test("is sent by the alarm if the object died first", async () => {
    const job = await JobFixture.create();
    await eventually(async () => expect(await job.query("SELECT * FROM outbox WHERE due IS NOT NULL")).toEqual([]));
    await runInDurableObject(clusterOf(env, "default"), (_, state) =>
      state.storage.sql.exec("DELETE FROM wanted_job WHERE job = ?", job.id),
    );
    await runInDurableObject(job.stub, async (_, state) => {
      state.storage.sql.exec("UPDATE outbox SET due = 1 WHERE target = 'cluster'");
      await state.storage.setAlarm(Date.now() + 100_000);
    });
    await evictDurableObject(job.stub);
    await runDurableObjectAlarm(job.stub);
    await eventually(async () => expect(await wantedOf(job.id)).toEqual({ wanted: [{ runners: 1 }], removal: 0 }));
  });

  test("includes conditions: no agent, and runners that cannot start", async () => {
    const job = await JobFixture.create();
    await job.report({ kind: "conditions", conditions: [{ type: "ImagePullBackOff", message: "no such image" }] });
    expect((await job.describe()).conditions.map(({ type }) => type)).toEqual(["ImagePullBackOff", "NoAgent"]);
    await job.report({ kind: "conditions", conditions: [] });
    await job.runner();
    expect((await job.describe()).conditions).toEqual([]);
  });
  test("has the newest conditions, even if an older report arrives last", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const blocked = { kind: "conditions", conditions: [{ type: "ImagePullBackOff", message: "" }] } as const;
    await job.report({ kind: "conditions", conditions: [] }, 5);
    await job.report(blocked, 4);
    expect((await job.describe()).conditions).toEqual([]);
    await job.report(blocked, 6);
    expect((await job.describe()).conditions.map(({ type }) => type)).toEqual(["ImagePullBackOff"]);
    await runner.close();
  });
});
