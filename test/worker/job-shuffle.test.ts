import { afterEach, describe, expect, test } from "vitest";
import { claim, claimed, complete, JobFixture, taskOf, work } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

afterEach(hangUp);

describe("the segments of a reduce", () => {
  test("have offsets, and omit empty ones", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const first = await job.planned(runner);
    const shuffle = { path: "http://store/shuffle/x", lengths: [7, 0], largestBlock: 7 };
    const second = taskOf(await complete(runner, first, { kind: "map", shuffle }));
    const reduce = taskOf(await complete(runner, second));
    expect(await runner.request({ kind: "segments", attempt: reduce.attempt, from: 0 })).toMatchObject({
      segments: [
        { map: 0, attempt: first.attempt, path: "http://store/shuffle/x", offset: 0, length: 7 },
        { map: 1, attempt: second.attempt, offset: 0, length: 10 },
      ],
      nextFrom: null,
    });
    const last = taskOf(await complete(runner, reduce));
    expect(await runner.request({ kind: "segments", attempt: last.attempt, from: 0 })).toMatchObject({
      segments: [{ map: 1, offset: 10, length: 20 }],
      nextFrom: null,
    });
  });

  test("come in pages", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const reduce = await job.mapped(runner);
    // Makes it look like 5000 maps.
    await job.query(
      `WITH RECURSIVE i(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM i WHERE n < 4999)
       INSERT INTO segment SELECT chunk, n, output, offsets FROM segment, i WHERE map = 1`,
    );
    const maps: number[] = [];
    let pages = 0;
    for (let from: number | null = 0; from !== null; pages++) {
      const answer = await runner.request({ kind: "segments", attempt: reduce.attempt, from });
      if (answer.kind !== "segments") throw new Error(answer.kind);
      maps.push(...answer.segments.map(({ map }) => map));
      from = answer.nextFrom;
    }
    expect(pages).toBe(2);
    expect(maps).toEqual(Array.from({ length: 5000 }, (_, i) => i));
  });

  test("that are lost return the job to mapping", async () => {
    const job = await JobFixture.create();
    const runner = await job.runner();
    const reduce = await job.mapped(runner);
    await runner.request({ kind: "segments", attempt: reduce.attempt, from: 0 });
    const message = {
      kind: "shuffle-lost",
      attempt: reduce.attempt,
      map: 1,
      mapAttempt: `${job.id}-m-1-1`,
      message: "404",
    } as const;
    const map = taskOf(await runner.request(message));
    expect(map).toMatchObject({ kind: "map", index: 1, attempt: `${job.id}-m-1-2` });
    expect((await job.describe()).status).toBe("mapping");
    expect(await runner.request(message)).toMatchObject({ kind: "fenced" });
    const again = taskOf(await complete(runner, map));
    expect(await runner.request({ kind: "segments", attempt: again.attempt, from: 0 })).toMatchObject({
      segments: [{ attempt: `${job.id}-m-0-1` }, { attempt: map.attempt }],
    });
    await complete(runner, again);
    expect(await work(runner)).toEqual(["reduce", "commit", "success", "clean"]);
  });

  test("are refused while one of them is missing", async () => {
    const job = await JobFixture.create();
    const [a, b] = [await job.runner("a"), await job.runner("b")];
    const [first, second] = [await job.mapped(a), await claimed(b)];
    await a.request({
      kind: "shuffle-lost",
      attempt: first.attempt,
      map: 0,
      mapAttempt: `${job.id}-m-0-1`,
      message: "404",
    });
    expect(await b.request({ kind: "segments", attempt: second.attempt, from: 0 })).toMatchObject({ kind: "fenced" });
    expect(await claim(b)).toMatchObject({ next: { next: "idle" } });
  });
});

test("a commit that finds an upload missing repeats its reduce", async () => {
  const job = await JobFixture.create();
  const runner = await job.runner();
  const first = await job.mapped(runner);
  const upload = { kind: "upload", path: `http://store/out/part-0`, uploadId: `upload-${first.attempt}` } as const;
  await runner.request({ ...upload, attempt: first.attempt });
  const commit = taskOf(await complete(runner, taskOf(await complete(runner, first))));
  expect(commit).toMatchObject({
    kind: "commit",
    outputs: [
      {
        index: 0,
        attempt: first.attempt,
        path: "http://store/out/part-0",
        uploadId: `upload-${first.attempt}`,
        tags: ["a"],
      },
      { index: 1 },
    ],
  });
  expect(await job.stub.stop()).toBe("committing");
  const again = taskOf(await complete(runner, commit, { kind: "done", lost: [1] }));
  expect(again).toMatchObject({ kind: "reduce", attempt: `${job.id}-r-1-2` });
  const retried = taskOf(await complete(runner, again));
  expect(retried).toMatchObject({ kind: "commit", outputs: [{ index: 0 }, { attempt: `${job.id}-r-1-2` }] });
  expect(await job.query("SELECT * FROM upload")).toHaveLength(1);
  const success = taskOf(await complete(runner, retried));
  expect(success.kind).toBe("success");
  expect(await job.query("SELECT * FROM upload")).toEqual([]);
  expect(taskOf(await complete(runner, success))).toMatchObject({ kind: "clean", removeOutputs: false });
});
