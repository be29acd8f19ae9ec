import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { protocolVersion } from "../../shared/protocol/versions.ts";
import { TaskSchema, type Task } from "../../shared/api/tasks.ts";
import { jobOf } from "../../worker/env.ts";
import { claimed, complete, JobFixture, password, resultOf, specOf, taskOf, work } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

afterEach(hangUp);

/** A range of the n-th object of a planned job, by default the whole object. */
const range = (n: number, size: number, start = 0, end = size) => ({
  path: `http://store/input/${n}`,
  size,
  etag: `"${n}"`,
  start,
  end,
});

describe("a job", () => {
  test("can be done by one runner, from plan to clean", async () => {
    const inputStorageHeaders = { "x-amz-request-payer": "requester" };
    const outputStorageHeaders = { "x-amz-server-side-encryption": "AES256" };
    const job = await JobFixture.create({ inputStorageHeaders, outputStorageHeaders });
    const runner = await job.dial();
    const credentials = { username: "me", password };
    expect(await job.hello(runner)).toMatchObject({
      kind: "welcome",
      resume: false,
      job: {
        jobId: job.id,
        input: { path: "http://store/input/", credentials, headers: inputStorageHeaders },
        output: { path: "http://store/out", credentials, headers: outputStorageHeaders },
        nReducers: 2,
        programs: { mapper: { name: "mapper" }, reducer: { name: "reducer" } },
      },
    });
    expect(await job.planned(runner, [150, 0, 50])).toMatchObject({
      kind: "map",
      index: 0,
      input: [{ path: "http://store/input/0", size: 150, etag: '"0"', start: 0, end: 100 }],
    });
    expect(await job.describe()).toMatchObject({
      status: "mapping",
      inputData: { splitEnd: 200 },
      progress: { maps: { total: 3, running: 1 }, reduces: { total: 2 } },
    });
    expect(await work(runner)).toEqual(["map", "map", "map", "reduce", "reduce", "commit", "success", "clean"]);
    expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
    const done = await job.describe();
    expect(done).toMatchObject({
      status: "completed",
      error: null,
      progress: { maps: { total: 3, completed: 3, running: 0 } },
    });
    expect(done.outputs).toHaveLength(2);
    expect(await job.query("SELECT * FROM planned")).toEqual([]);
  });

  test("is created once, even if the request is repeated", async () => {
    const spec = specOf();
    const job = new JobFixture(spec.id);
    await job.stub.create(spec, Infinity);
    await job.runner();
    const again = await job.stub.create(spec, Infinity);
    expect(again?.id).toBe(job.id);
    expect(await job.query("SELECT * FROM secret")).toHaveLength(1);
    const both = specOf();
    const [a, b] = await Promise.all([
      jobOf(env, both.id).create(both, Infinity),
      jobOf(env, both.id).create(both, Infinity),
    ]);
    expect(a).toEqual(b);
  });

  test("is not created too late, when its programs can be gone", async () => {
    const spec = specOf();
    expect(await jobOf(env, spec.id).create(spec, Date.now())).toBeNull();
    expect(await jobOf(env, spec.id).program("mapper")).toBeNull();
    await jobOf(env, spec.id).create(spec, Date.now() + 60_000);
    expect((await jobOf(env, spec.id).create(spec, Date.now()))?.id).toBe(spec.id);
  });

  test("lists its tasks in pages, newest first", async () => {
    const job = await JobFixture.create();
    await job.mapped(await job.runner());
    const page = async (request: { limit?: number; after?: string }) => {
      const { body, next } = await job.tasks(request);
      const tasks = z.array(TaskSchema).parse(await new Response(body).json());
      return { ids: tasks.map(({ id }) => id.slice(job.id.length + 1)), next };
    };
    expect(await page({})).toEqual({ ids: ["r-1", "r-0", "m-1", "m-0"], next: null });
    expect(await page({ limit: 3 })).toEqual({ ids: ["r-1", "r-0", "m-1"], next: "m-1" });
    expect(await page({ limit: 3, after: "m-1" })).toEqual({ ids: ["m-0"], next: null });
    expect(await page({ limit: 2 })).toEqual({ ids: ["r-1", "r-0"], next: "r-0" });
    expect(await page({ limit: 2, after: "r-0" })).toEqual({ ids: ["m-1", "m-0"], next: null });
    expect(await page({ limit: 4 })).toMatchObject({ next: null });
  });

  test("shows what a reduce reads", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const { attempt } = await job.mapped(runner);
    await runner.request({ kind: "segments", attempt, from: 0 });
    const tasks = z.array(TaskSchema).parse(await new Response((await job.tasks({})).body).json());
    expect(tasks.map(({ inputData }) => inputData.splitEnd)).toEqual([0, 20, 100, 100]);
    expect(tasks[1]).toMatchObject({ status: "in-progress", podName: "pod-runner", attempt: 1, type: "reducer" });
  });

  test("reads several small objects in one map if allowed", async () => {
    const job = await JobFixture.create({ combineInputs: true });
    const runner = await job.runner();
    const first = await job.planned(runner, [30, 0, 70, 40, 250]);
    expect(first).toMatchObject({ kind: "map", index: 0, input: [range(0, 30), range(2, 70)] });
    const second = taskOf(await complete(runner, first));
    expect(second).toMatchObject({ index: 1, input: [range(3, 40)] });
    expect(await job.describe()).toMatchObject({
      inputData: { splitEnd: 390 },
      progress: { maps: { total: 5 } },
    });
    const tasks = z.array(TaskSchema).parse(await new Response((await job.tasks({})).body).json());
    const inputs = tasks.filter(({ type }) => type === "mapper").map(({ inputData }) => inputData);
    const last = "http://store/input/4";
    expect(inputs.toReversed()).toMatchObject([
      { path: "http://store/input/", type: "file/txt", splitStart: 0, splitEnd: 100 },
      { path: "http://store/input/3", type: "file/txt", splitStart: 0, splitEnd: 40 },
      { path: last, splitStart: 0, splitEnd: 100 },
      { path: last, splitStart: 100, splitEnd: 200 },
      { path: last, splitStart: 200, splitEnd: 250 },
    ]);
    expect(await work(runner)).toEqual(["map", "map", "map", "map", "reduce", "reduce", "commit", "success", "clean"]);
  });

  test("stores long lists of long URLs", async () => {
    const job = await JobFixture.create({ combineInputs: true, splitSize: 1_000_000_000 });
    const runner = await job.runner();
    const plan = await claimed(runner);
    const name = "%E6%9D%B1".repeat(330);
    for (let page = 0; page < 3; page++) {
      const objects = Array.from({ length: 1000 }, (_, n) => ({
        path: `http://s/b/${name}${page}-${n}`,
        size: 1,
        etag: "",
      }));
      await runner.request({ kind: "planned", attempt: plan.attempt, page, objects });
    }
    const read: string[] = [];
    let task = taskOf(await complete(runner, plan));
    for (; task.kind === "map"; task = taskOf(await complete(runner, task))) {
      read.push(...task.input.map(({ path }) => path.slice(path.lastIndexOf("%E6%9D%B1") + 9)));
    }
    expect(read).toEqual([0, 1, 2].flatMap((page) => Array.from({ length: 1000 }, (_, n) => `${page}-${n}`)));
    const [row] = await job.query("SELECT max(length(ranges)) AS longest, count(*) AS maps FROM input");
    expect(row).toMatchObject({ maps: 18 });
    expect(Number(row?.["longest"])).toBeLessThan(1_000_000);
  });

  test("with too many tasks fails with a message that names splitSize", async () => {
    const job = await JobFixture.create({ splitSize: 1 });
    const runner = await job.runner();
    const plan = await claimed(runner);
    const objects = [{ path: "http://store/input/0", size: 100_000, etag: "" }];
    await runner.request({ kind: "planned", attempt: plan.attempt, page: 0, objects });
    // There is nothing to clean up yet, so the runner is dismissed without an answer.
    void complete(runner, plan);
    expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
    const { status: end, error } = await job.describe();
    expect([end, error?.code]).toEqual(["failed", "TooManyTasks"]);
    expect(error?.message).toContain("splitSize");
  });
});

describe("a duplicate message", () => {
  test("gets the same answer, and counts once", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const plan = await claimed(runner);
    expect(await claimed(runner)).toEqual(plan);
    const objects = [{ path: "http://store/input/0", size: 250, etag: "" }];
    for (const _ of [1, 2]) await runner.request({ kind: "planned", attempt: plan.attempt, page: 0, objects });
    const map = taskOf(await complete(runner, plan));
    expect(taskOf(await complete(runner, plan))).toEqual(map);
    expect((await job.describe()).progress.maps).toMatchObject({ total: 3, running: 1, completed: 0 });
    const error = { code: "Broken", message: "", final: false };
    const next = taskOf(await runner.request({ kind: "fail", attempt: map.attempt, error }));
    expect(await runner.request({ kind: "fail", attempt: map.attempt, error })).toMatchObject({ kind: "fenced" });
    expect(await claimed(runner)).toEqual(next);
    expect((await job.describe()).progress.maps).toMatchObject({ running: 1, failed: 0 });
  });

  test("gets the same answer if a runner reconnects for it", async () => {
    const job = await JobFixture.create();
    const lost = await job.runner();
    const first = await job.planned(lost);
    const second = taskOf(await complete(lost, first));
    await lost.close();
    const runner = await job.runner();
    expect(taskOf(await complete(runner, first))).toEqual(second);
    expect(taskOf(await complete(runner, second)).kind).toBe("reduce");
  });
});

/** A task as the API shows it. */
const shown = async (job: JobFixture, taskId: string): Promise<Task | undefined> => {
  const { body } = await job.tasks({});
  return z
    .array(TaskSchema)
    .parse(await new Response(body).json())
    .find(({ id }) => id === taskId);
};

describe("program output", () => {
  const counters = { builtin: {}, user: { g: { n: 1 } } };

  test("never breaks a message", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const { attempt, taskId } = await job.planned(runner);
    const status = `a\0b\ud800 ${"x".repeat(100_000)}`;
    const amounts = { builtin: {}, user: { ["g".repeat(1000)]: { n: Number.POSITIVE_INFINITY } } };
    expect(await runner.request({ kind: "progress", attempt, counters: amounts, status })).toMatchObject({
      kind: "done",
    });
    expect((await shown(job, taskId))?.message).toBe(`a b\ufffd ${"x".repeat(507)}`);
    const error = { code: "ProgramFailed", message: "x".repeat(100_000), final: true };
    expect(await runner.request({ kind: "fail", attempt, error })).toMatchObject({ kind: "next" });
  });

  test("arrives with the end of the task", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const map = await job.planned(runner);
    const result = resultOf(map);
    const next = taskOf(
      await runner.request({ kind: "complete", attempt: map.attempt, result, counters, status: "all done" }),
    );
    expect(await shown(job, map.taskId)).toMatchObject({ message: "all done", counters });
    const error = { code: "Broken", message: "", final: false };
    await runner.request({ kind: "fail", attempt: next.attempt, error, status: "failing" });
    expect(await shown(job, next.taskId)).toMatchObject({ message: "failing" });
  });

  test("is kept if a runner of an earlier release sends none at the end", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const map = await job.planned(runner);
    await runner.request({ kind: "progress", attempt: map.attempt, counters, status: "half way" });
    await complete(runner, map);
    expect((await shown(job, map.taskId))?.message).toBe("half way");
  });
});

describe("a link", () => {
  const about = { kind: "hello", runnerId: "a", podName: "a", attempt: null, version: protocolVersion, features: [] };

  test.each([{ version: 3 }, { version: protocolVersion + 1 }])("of version $version is closed", async (changes) => {
    const job = await JobFixture.create();
    const runner = await job.dial();
    runner.send(JSON.stringify({ id: 1, ...about, ...changes }));
    expect(await runner.closed).toMatchObject({ code: closeCodes.version });
    const [refused] = (await job.describe()).conditions;
    expect(refused).toMatchObject({ type: "RunnerRefused", message: expect.stringContaining(`${changes.version}`) });
  });

  test("whose runner lacks a required feature is closed, and the job has a condition until a runner has it", async () => {
    const spec = { ...specOf(), features: ["columns", "ranges"] };
    await jobOf(env, spec.id).create(spec, Infinity);
    const job = new JobFixture(spec.id);
    const older = await job.dial();
    older.send(JSON.stringify({ id: 1, ...about, features: ["columns"] }));
    expect(await older.closed).toMatchObject({
      code: closeCodes.version,
      reason: expect.stringContaining("needs ranges"),
    });
    expect((await job.describe()).conditions.map(({ type }) => type)).toContain("RunnerRefused");
    const runner = await job.dial();
    const welcome = await runner.request({ ...about, kind: "hello", features: ["ranges", "columns", "more"] });
    expect(welcome.kind).toBe("welcome");
    expect((await job.describe()).conditions).toEqual([]);
  });

  test.each(["", "{", "null", '{"kind":"nothing","id":1}', '{"kind":"claim"}', '{"kind":"claim","id":1}'])(
    "that begins with %j is closed",
    async (text) => {
      const runner = await (await JobFixture.create()).dial();
      runner.send(text);
      expect(await runner.closed).toMatchObject({ code: closeCodes.malformed });
    },
  );

  test("to a job that was never created is refused, and creates nothing", async () => {
    const object = jobOf(env, "nobody");
    const response = await object.fetch("http://object/link", { headers: { Upgrade: "websocket" } });
    expect([response.status, response.webSocket]).toEqual([404, null]);
    const tables = await runInDurableObject(object, (_, state) =>
      state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'job'").toArray(),
    );
    expect(tables).toEqual([]);
  });
});

test("100,000 maps are created and handed out", async () => {
  const job = await JobFixture.create({ splitSize: 1, nReducers: 0, reducerName: undefined });
  const runner = await job.runner();
  const map = await job.planned(runner, [100_000]);
  expect((await job.describe()).progress.maps).toMatchObject({ total: 100_000, running: 1 });
  const output = { path: "http://store/out/0", uploadId: "u", tags: [], size: 0 };
  expect(taskOf(await complete(runner, map, { kind: "output", output })).index).toBe(1);
});

test("100,000 segments fit a map's row", async () => {
  const job = await JobFixture.create({ nReducers: 99_998 });
  const runner = await job.runner();
  const map = await job.planned(runner, [100]);
  const lengths = Array.from({ length: 99_998 }, (_, r) => r % 2);
  const reduce = taskOf(
    await complete(runner, map, { kind: "map", shuffle: { path: "http://store/shuffle/x", lengths, largestBlock: 1 } }),
  );
  expect(reduce).toMatchObject({ kind: "reduce", index: 0 });
  const second = taskOf(await complete(runner, reduce, resultOf(reduce)));
  expect(await runner.request({ kind: "segments", attempt: second.attempt, from: 0 })).toMatchObject({
    segments: [{ offset: 0, length: 1 }],
  });
});
