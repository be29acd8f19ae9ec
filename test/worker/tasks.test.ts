import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { AttemptSchema, type Attempt } from "../../shared/api/attempts.ts";
import { SegmentSchema } from "../../shared/api/segments.ts";
import { TaskDetailSchema, TaskSchema } from "../../shared/api/tasks.ts";
import { noCounters } from "../../shared/counters.ts";
import { call, jsonOf, problemOf } from "./api.ts";
import { eventually } from "./eventually.ts";
import { claimed, complete, JobFixture, outlive, taskOf, work, type Runner } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

afterEach(hangUp);

const counters = { ...noCounters, user: { Words: { seen: 7 } } };

const get = async (job: JobFixture, path: string) => await call("GET", `/api/v1/jobs/${job.id}/tasks${path}`);
const segments = async (job: JobFixture, task: string, query = "") =>
  await get(job, `/${job.id}-${task}/segments${query}`);
const nextOf = ({ headers }: Response): string => /<http:\/\/[^/]+([^>]+)>/.exec(headers.get("Link") ?? "")?.[1] ?? "";
const idsOf = async (job: JobFixture, response: Response): Promise<string[]> =>
  (await jsonOf(z.array(TaskSchema), response)).map(({ id }) => id.slice(job.id.length + 1));
const list = async (job: JobFixture, query = ""): Promise<string[]> => await idsOf(job, await get(job, query));
const attempts = async (job: JobFixture, task: string): Promise<Attempt[]> =>
  await jsonOf(z.array(AttemptSchema), await get(job, `/${job.id}-${task}/attempts`));

const fail = async (runner: Runner, attempt: string) => {
  const error = { code: "ProgramFailed", message: "line 7", final: false };
  return await runner.request({ kind: "fail", attempt, error, counters });
};
const claimAgain = async (job: JobFixture, name: string) => {
  await job.query("UPDATE task SET not_before = 0");
  const runner = await job.runner(name);
  return { runner, task: await claimed(runner) };
};

describe("the attempts of a task", () => {
  it("show how each ended, and why", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner("a");
    await fail(runner, (await job.planned(runner, [100])).attempt);
    const second = await claimAgain(job, "b");
    expect((await attempts(job, "m-0"))[0]).toMatchObject({ number: 2, runner: "b", endTime: null, outcome: null });
    await second.runner.close();
    await outlive(job);
    const third = await claimAgain(job, "c");
    await complete(third.runner, third.task);
    const all = await attempts(job, "m-0");
    expect(all).toMatchObject([
      { number: 3, runner: "c", outcome: "won", error: null, counters: noCounters },
      { number: 2, runner: "b", outcome: "lost", error: { code: "AttemptLost" }, counters: null },
      { number: 1, runner: "a", outcome: "failed", error: { code: "ProgramFailed", message: "line 7" }, counters },
    ]);
    for (const { startTime, endTime } of all) expect(endTime).toBeGreaterThanOrEqual(startTime);
    const one = await get(job, `/${job.id}-m-0/attempts/1`);
    expect(await jsonOf(AttemptSchema, one)).toEqual(all[2]);
    const page = await get(job, `/${job.id}-m-0/attempts?limit=2`);
    expect(await jsonOf(z.array(AttemptSchema), page)).toEqual(all.slice(0, 2));
    expect(await jsonOf(z.array(AttemptSchema), await call("GET", nextOf(page)))).toEqual(all.slice(2));
  });

  it("are stopped if their job has ended", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner("a");
    const map = await job.planned(runner);
    await job.stub.stop();
    await runner.request({ kind: "release", attempt: map.attempt, reason: "revoked" });
    expect(await attempts(job, "m-0")).toMatchObject([{ outcome: "stopped", error: null }]);
  });

  it("are lost if their output is, but keep their counters", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner("a");
    const map = await job.planned(runner, [100]);
    const shuffle = { path: "http://store/shuffle/x", lengths: [10, 20], largestBlock: 20 };
    const completion = { kind: "complete", attempt: map.attempt, result: { kind: "map", shuffle }, counters } as const;
    const reduce = taskOf(await runner.request(completion));
    expect(await attempts(job, "m-0")).toMatchObject([{ outcome: "won", counters }]);
    const lost = { kind: "shuffle-lost", attempt: reduce.attempt, map: 0, mapAttempt: map.attempt } as const;
    await runner.request({ ...lost, message: "404" });
    expect(await attempts(job, "m-0")).toMatchObject([
      { number: 2, outcome: null },
      { number: 1, outcome: "lost", error: { code: "OutputLost", message: "404" }, counters },
    ]);
  });

  it("are explained by a later report", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner("a");
    const map = await job.planned(runner);
    await runner.request({ kind: "release", attempt: map.attempt, reason: "it was told to", ending: true });
    const failure = { code: "OOMKilled", message: "too much memory" };
    await job.report({ kind: "exited", runnerId: "a", reason: "memory", failure });
    expect(await attempts(job, "m-0")).toMatchObject([{ outcome: "failed", error: failure }]);
  });

  it("that do not exist have another error than unknown tasks", async () => {
    const job = await JobFixture.create();
    await job.planned(await job.runner());
    for (const path of ["/m-0", `/${job.id}-m-2`, `/${job.id}-plan-0`, `/${job.id}-m-2/attempts`]) {
      const problem = await problemOf(await get(job, path));
      expect(problem).toMatchObject({ status: 404, type: expect.stringContaining("unknown-task") });
    }
    for (const path of [`/${job.id}-m-0/attempts/2`, `/${job.id}-m-0/attempts/x`, `/${job.id}-m-2/attempts/1`]) {
      const problem = await problemOf(await get(job, path));
      expect(problem).toMatchObject({ status: 404, type: expect.stringContaining("unknown-attempt") });
    }
  });
});

describe("a task", () => {
  it("shows all its inputs", async () => {
    const job = await JobFixture.create({ combineInputs: true });
    await job.planned(await job.runner(), [30, 40]);
    const task = await jsonOf(TaskDetailSchema, await get(job, `/${job.id}-m-0`));
    expect(task).toMatchObject({
      id: `${job.id}-m-0`,
      type: "mapper",
      inputData: { splitEnd: 70 },
      inputs: [
        { path: "http://store/input/0", splitStart: 0, splitEnd: 30 },
        { path: "http://store/input/1", splitStart: 0, splitEnd: 40 },
      ],
    });
  });
});

describe("the list of tasks", () => {
  it("is filtered and sorted", async () => {
    const job = await JobFixture.create({ nReducers: 1, maxAttempts: 1, maxFailedMapsPercent: 50 });
    const runner = await job.runner("a");
    await fail(runner, (await job.planned(runner, [100, 100, 100])).attempt);
    await job.query(`UPDATE task SET row = json_set(row, '$.startedAt', 1000 * (3 - idx)), started = 1000 * (3 - idx),
       took = iif(status = 'failed', took + started - 1000 * (3 - idx), took) WHERE kind = 'map'`);
    expect(await list(job)).toEqual(["m-2", "m-1", "m-0"]);
    expect(await list(job, "?sort=index")).toEqual(["m-0", "m-1", "m-2"]);
    expect(await list(job, "?status=failed")).toEqual(["m-0"]);
    expect(await list(job, "?status=in-progress&sort=-duration")).toEqual(["m-1"]);
    expect(await list(job, "?status=scheduled&type=mapper")).toEqual(["m-2"]);
    expect(await list(job, "?status=completed")).toEqual([]);
    expect(await list(job, "?type=reducer")).toEqual([]);
    expect(await list(job, "?sort=-startTime")).toEqual(["m-0", "m-1", "m-2"]);
    expect(await list(job, "?sort=-duration")).toEqual(["m-1", "m-0", "m-2"]);
  });

  it("contains both types, in pages", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    await job.planned(runner);
    await work(runner);
    const newest = ["r-1", "r-0", "m-1", "m-0"];
    expect(await list(job)).toEqual(newest);
    expect(await list(job, "?sort=index")).toEqual(newest.toReversed());
    for (const sort of ["", "&sort=index", "&sort=-startTime", "&sort=-duration"]) {
      const seen: string[] = [];
      for (let path = `/api/v1/jobs/${job.id}/tasks?limit=1${sort}`; path !== "";) {
        const page = await call("GET", path);
        seen.push(...(await idsOf(job, page)));
        path = nextOf(page);
      }
      expect(seen).toEqual(await list(job, `?${sort.slice(1)}`));
      expect(seen.toSorted()).toEqual(newest.toSorted());
    }
  });

  it.each([
    ["?status=broken", "status", "must be one of scheduled, in-progress"],
    ["?sort=duration", "sort", "-duration"],
    ["?type=map", "type", "mapper, reducer"],
    ["?state=failed", "state", "is no parameter of this query; there are limit, after, status, type, sort"],
  ])("refuses %s", async (query, field, message) => {
    const { status, errors } = await problemOf(await get(await JobFixture.create(), query));
    expect(status).toBe(400);
    expect(errors).toEqual([{ field, message: expect.stringContaining(message) }]);
  });
});

describe("the segments of a reduce", () => {
  it("show what it reads of each map, while the job runs or is kept", async () => {
    const job = await JobFixture.create({ keepFailedSeconds: 3600, maxAttempts: 1 });
    const runner = await job.runner();
    const reduce = await job.mapped(runner);
    const all = await jsonOf(z.array(SegmentSchema), await segments(job, "r-1"));
    expect(all.map(({ map, offset, length }) => [map, offset, length])).toEqual([
      [0, 10, 20],
      [1, 10, 20],
    ]);
    const first = await segments(job, "r-1", "?limit=1");
    expect(await jsonOf(z.array(SegmentSchema), first)).toEqual(all.slice(0, 1));
    const second = await call("GET", nextOf(first));
    expect([await jsonOf(z.array(SegmentSchema), second), nextOf(second)]).toEqual([all.slice(1), ""]);
    expect(await jsonOf(z.array(SegmentSchema), await segments(job, "m-0"))).toEqual([]);
    expect((await problemOf(await segments(job, "r-9"))).status).toBe(404);

    // The runner is dismissed, and gets no answer.
    void fail(runner, reduce.attempt);
    await eventually(async () => expect(await job.describe()).toMatchObject({ status: "failed" }));
    expect(await jsonOf(z.array(SegmentSchema), await segments(job, "r-1"))).toEqual(all);
    await job.stub.stop();
    expect(await jsonOf(z.array(SegmentSchema), await segments(job, "r-1"))).toEqual([]);
  });
});
