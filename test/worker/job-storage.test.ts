import { afterEach, describe, expect, test, vi } from "vitest";
import { closeCodes } from "../../shared/protocol/connection.ts";
import { registryOf } from "../../worker/env.ts";
import { env, runDurableObjectAlarm } from "cloudflare:test";
import { eventually } from "./eventually.ts";
import { claim, complete, JobFixture, taskOf, work } from "./job-fixture.ts";
import { runInJob } from "./objects.ts";
import { hangUp } from "./peer.ts";

afterEach(hangUp);
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const day = 24 * 60 * 60 * 1000;

/** The number of rows in a table. */
const size = async (job: JobFixture, table: string): Promise<unknown> =>
  (await job.query(`SELECT count(*) AS rows FROM ${table}`))[0]?.["rows"];

describe("the index of the shuffle", () => {
  test("is split by partition, so that a reduce reads little of it", async () => {
    const job = await JobFixture.create({ nReducers: 130 });
    const runner = await job.runner();
    const map = await job.planned(runner, [100]);
    const lengths = Array.from({ length: 130 }, (_, r) => r);
    const shuffle = { path: "http://store/shuffle/x", lengths, largestBlock: 129 };
    let reduce = taskOf(await complete(runner, map, { kind: "map", shuffle }));
    const rows = await job.query("SELECT chunk, length(offsets) AS bytes FROM segment ORDER BY chunk");
    expect(rows).toEqual([...[0, 1, 2, 3].map((chunk) => ({ chunk, bytes: 33 * 8 })), { chunk: 4, bytes: 3 * 8 }]);
    const found: unknown[] = [];
    for (const index of [0, 1, 127, 128, 129]) {
      while (reduce.index < index) reduce = taskOf(await complete(runner, reduce));
      const answer = await runner.request({ kind: "segments", attempt: reduce.attempt, from: 0 });
      found.push(answer.kind === "segments" ? answer.segments.map(({ offset, length }) => [offset, length]) : answer);
    }
    expect(found).toEqual([[], ...[1, 127, 128, 129].map((r) => [[(r * (r - 1)) / 2, r]])]);
  });
});

describe("the maps of a large input", () => {
  test("are created page by page, even if the object ends in between", async () => {
    const job = await JobFixture.create({ splitSize: 100 });
    const runner = await job.runner();
    // The last object ends in the third page.
    const first = await job.planned(runner, [...Array.from({ length: 11 }, () => 100_000), 50]);
    expect(first).toMatchObject({ index: 0, input: [{ start: 0, end: 100 }] });
    expect(await job.describe()).toMatchObject({ progress: { maps: { total: 11_001 } } });
    for (const maps of [5_000, 10_000, 11_001]) {
      if (maps > 5_000) {
        await job.evict();
        await runDurableObjectAlarm(job.stub);
      }
      await eventually(async () => expect(Number(await size(job, "input"))).toBeGreaterThanOrEqual(maps));
    }
    const edges = await job.query(
      "SELECT map, ranges ->> '$[0].path' AS path, ranges ->> '$[0].start' AS start FROM input WHERE map IN (4999, 5000, 11000)",
    );
    expect(edges).toEqual([
      { map: 4999, path: "http://store/input/4", start: 99_900 },
      { map: 5000, path: "http://store/input/5", start: 0 },
      { map: 11_000, path: "http://store/input/11", start: 0 },
    ]);
    expect([await size(job, "planned"), await size(job, "creation")]).toEqual([0, 0]);
  });
});

describe("the shuffle upload of a map", () => {
  test("need not be aborted any more once the map is completed", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    let task = await job.planned(runner);
    for (const uploadId of ["a", "b"]) {
      await runner.request({ kind: "upload", attempt: task.attempt, path: "http://store/shuffle/x", uploadId });
      task = taskOf(await complete(runner, task));
    }
    expect(await size(job, "upload")).toBe(0);
  });
});

describe("a released job", () => {
  test("keeps only what the API shows", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    await job.planned(runner);
    await work(runner);
    await eventually(async () => expect(await size(job, "secret")).toBe(0));
    const sizes = ["upload", "planned", "creation"].map(async (table) => await size(job, table));
    expect(await Promise.all(sizes)).toEqual([0, 0, 0]);
    // The path of one map shows the folder of all.
    expect(await job.query("SELECT map, length(offsets) AS bytes FROM segment")).toEqual([{ map: 0, bytes: 0 }]);
    const tasks = await new Response((await job.tasks()).body).json();
    expect(tasks).toMatchObject([
      { inputData: { path: "http://store/shuffle/" } },
      { inputData: { path: "http://store/shuffle/" } },
      { status: "completed" },
      { status: "completed" },
    ]);
  });
});

describe("the list's progress", () => {
  test("is at most 5 s old", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const map = await job.planned(runner);
    await eventually(async () => expect(await job.query("SELECT 1 FROM outbox WHERE due IS NOT NULL")).toEqual([]));
    const before = Date.now();
    await complete(runner, map);
    const [row] = await job.query("SELECT due FROM outbox WHERE target = 'registry'");
    expect(Number(row?.["due"])).toBeGreaterThanOrEqual(before);
    expect(Number(row?.["due"])).toBeLessThanOrEqual(Date.now() + 5000);
    await job.query("UPDATE outbox SET due = 1 WHERE target = 'registry'");
    await runDurableObjectAlarm(job.stub);
    await eventually(async () => {
      const { items } = await registryOf(env).listJobs({}, null, 1000);
      const shown: unknown = JSON.parse(items.find((item) => item.includes(job.id)) ?? "{}");
      expect(shown).toMatchObject({ status: "mapping", progress: { maps: { completed: 1 } } });
    });
  });
});

describe("the alarm", () => {
  test("is set at most a day ahead", async () => {
    const job = await JobFixture.create({ deadlineSeconds: 366 * 24 * 60 * 60 });
    await eventually(async () => expect(await job.query("SELECT 1 FROM outbox WHERE due IS NOT NULL")).toEqual([]));
    await runDurableObjectAlarm(job.stub);
    const alarm = await job.alarm();
    expect(alarm).toBeGreaterThan(Date.now());
    expect(alarm).toBeLessThanOrEqual(Date.now() + day);
  });

  test("is set again if the platform has lost it", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    await job.planned(runner);
    const lose = async (): Promise<void> => {
      await runInJob(job.id, async (_, { storage }) => {
        await storage.deleteAlarm();
      });
    };
    await lose();
    // The object notices only that an alarm is overdue.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 10 * 60 * 1000 });
    await claim(runner);
    expect(await job.alarm()).not.toBeNull();
  });
});

describe("a socket", () => {
  test("without a hello is closed after half a minute, and at the job's end", async () => {
    const job = await JobFixture.create();
    const silent = await job.dial();
    const alarm = await job.alarm();
    expect(alarm).toBeLessThanOrEqual(Date.now() + 30_000);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
    await runInJob(job.id, async (instance) => await instance.alarm());
    expect(await silent.closed).toMatchObject({ code: closeCodes.malformed });
    vi.useRealTimers();
    const other = await job.dial();
    await job.stub.stop();
    expect(await other.closed).toMatchObject({ code: closeCodes.ended });
  });

  test("is found without iterating over all others", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner("a");
    await job.planned(runner);
    const looks = await runInJob(job.id, (_, state) => vi.spyOn(state, "getWebSockets"));
    for (const name of ["b", "c", "b"]) await claim(await job.runner(name));
    await runner.close();
    await job.describe();
    expect(looks).not.toHaveBeenCalled();
  });

  test("is closed on a message of more than 4 MiB, unparsed", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const parse = vi.spyOn(JSON, "parse");
    const message = `{"kind":"claim","id":1,"x":"${"x".repeat(4 * 1024 * 1024)}"}`;
    runner.send(message);
    expect(await runner.closed).toMatchObject({ code: closeCodes.malformed });
    expect(parse.mock.calls.filter(([text]) => text === message)).toEqual([]);
  });
});
