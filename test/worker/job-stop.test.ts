import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { protocolVersion } from "../../shared/protocol/versions.ts";
import { TaskSchema } from "../../shared/api/tasks.ts";
import { eventually } from "./eventually.ts";
import { claim, claimed, complete, finish, JobFixture, password, taskOf } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

afterEach(hangUp);

describe("a stopped job", () => {
  test("revokes, waits, cleans up, and forgets its credentials", async () => {
    const key = "key-of-the-customer";
    const outputStorageHeaders = { "x-amz-server-side-encryption-customer-key": key };
    const job = await JobFixture.create({ outputStorageHeaders });
    const [a, b] = [await job.runner("a"), await job.runner("b")];
    const [first, second] = [await job.planned(a), await claimed(b)];
    await a.request({ kind: "upload", attempt: first.attempt, path: "http://store/out/x", uploadId: "u1" });
    const [sealed] = await job.query("SELECT sealed FROM secret");
    const [, ciphertext = ""] = z.string().parse(sealed?.["sealed"]).split(".");
    const everything = JSON.stringify(await job.query("SELECT spec, row FROM job"));
    for (const secret of [password, key]) {
      expect(atob(ciphertext)).not.toContain(secret);
      expect(everything).not.toContain(secret);
    }

    expect(await job.stub.stop()).toBe("stopped");
    expect(await job.stub.stop()).toBe("ended");
    await eventually(() =>
      expect(a.notices).toContainEqual({ kind: "revoke", attempt: first.attempt, reason: "the job was stopped" }),
    );
    expect(await a.request({ kind: "release", attempt: first.attempt, reason: "told to" })).toMatchObject({
      kind: "done",
    });
    expect(await claim(a)).toMatchObject({ next: { next: "idle" } });
    const clean = taskOf(await complete(b, second));
    expect(clean).toMatchObject({ kind: "clean", removeOutputs: true });
    expect(await b.request({ kind: "uploads", attempt: clean.attempt, after: 0 })).toMatchObject({
      uploads: [{ path: "http://store/out/x", uploadId: "u1" }],
      nextAfter: null,
    });
    expect(await job.query("SELECT * FROM secret")).toHaveLength(1);
    finish(b, clean);
    expect((await Promise.all([a.closed, b.closed])).map(({ code }) => code)).toEqual([
      closeCodes.ended,
      closeCodes.ended,
    ]);
    expect(await job.query("SELECT * FROM secret")).toEqual([]);
    const tasks = z.array(TaskSchema).parse(await new Response((await job.tasks({})).body).json());
    expect(tasks.map((task) => [task.status, Number.isSafeInteger(task.endTime)])).toEqual([
      ["stopped", true],
      ["stopped", true],
    ]);
    const late = await job.dial();
    late.send(
      JSON.stringify({ kind: "hello", id: 1, version: protocolVersion, runnerId: "a", podName: "a", attempt: null }),
    );
    expect(await late.closed).toMatchObject({ code: closeCodes.ended });
  });

  test("is cleaned up again if an absent runner reports an upload after the clean-up has listed uploads", async () => {
    const job = await JobFixture.create();
    const [a, b] = [await job.runner("a"), await job.runner("b")];
    const [first, second] = [await job.planned(a), await claimed(b)];
    await job.stub.stop();
    await a.request({ kind: "release", attempt: first.attempt, reason: "told to" });
    const clean = taskOf(await complete(b, second));
    const asked = { kind: "uploads", attempt: clean.attempt, after: 0 } as const;
    expect(await b.request(asked)).toMatchObject({ uploads: [] });
    const upload = { kind: "upload", attempt: first.attempt, path: "http://store/out/x", uploadId: "late" } as const;
    expect(await a.request(upload)).toMatchObject({ kind: "fenced" });
    const again = taskOf(await complete(b, clean));
    expect(again).toMatchObject({ kind: "clean", attempt: `${job.id}-x-0-2` });
    expect(await b.request({ ...asked, attempt: again.attempt })).toMatchObject({ uploads: [{ uploadId: "late" }] });
    finish(b, again);
    expect(await b.closed).toMatchObject({ code: closeCodes.ended });
  });

  test("revokes the attempt of an absent runner when it returns, and cleans up when it is released", async () => {
    const job = await JobFixture.create();
    const away = await job.runner();
    const map = await job.planned(away);
    await away.close();
    await job.stub.stop();
    const runner = await job.dial();
    expect(await job.hello(runner, "runner", map.attempt)).toMatchObject({ resume: true });
    await eventually(() => expect(runner.notices).toMatchObject([{ kind: "revoke", attempt: map.attempt }]));
    expect(await runner.request({ kind: "release", attempt: map.attempt, reason: "" })).toMatchObject({ kind: "done" });
    expect((await claimed(runner)).kind).toBe("clean");
  });

  test("cleans up even if the runner has forgotten its revoked attempt", async () => {
    const job = await JobFixture.create();
    const away = await job.runner();
    await job.planned(away);
    await away.close();
    await job.stub.stop();
    expect((await claimed(await job.runner())).kind).toBe("clean");
  });

  test("has a condition if its clean-up was abandoned", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    await job.planned(runner);
    await job.stub.stop();
    // No longer ago than that: a job whose retention period is over is removed.
    await job.query("UPDATE job SET row = json_set(row, '$.endedAt', ?)", Date.now() - 2 * 60 * 60 * 1000);
    await runDurableObjectAlarm(job.stub);
    expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
    const { status: end, conditions } = await job.describe();
    expect([end, conditions.map(({ type }) => type)]).toEqual(["stopped", ["CleaningAbandoned"]]);
    expect(await job.query("SELECT * FROM secret")).toEqual([]);
  });

  test("can be failed by its cluster even while committing, as nobody else would continue it", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    let task = await job.mapped(runner);
    while (task.kind === "reduce") task = taskOf(await complete(runner, task));
    expect((await job.describe()).status).toBe("committing");
    const failure = { code: "NotAllowed", message: "not that image" };
    await job.report({ kind: "failed", failure });
    expect(await job.describe()).toMatchObject({ status: "failed", error: { ...failure, taskId: null } });
    await runner.request({ kind: "release", attempt: task.attempt, reason: "it was revoked" });
    expect((await claimed(runner)).kind).toBe("clean");
  });
});
