import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { call } from "./api.ts";
import { complete, JobFixture, present, taskOf, work } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

afterEach(hangUp);

const OutputsSchema = z.array(z.string());

/** A completed job whose tables are padded to this many reduces. */
const jobOf = async (outputs: number, outputPath = "http://store/out"): Promise<JobFixture> => {
  const job = await JobFixture.create({ outputPath });
  const runner = await job.runner();
  await job.planned(runner);
  await work(runner);
  await job.query(
    `WITH RECURSIVE i(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM i WHERE n + 1 < ?)
     INSERT INTO task (kind, idx, status, not_before, winner, row) SELECT kind, n, status, 0, winner, row FROM task, i
     WHERE kind = 'reduce' AND idx = 0`,
    outputs,
  );
  return job;
};

describe("the outputs of a completed job", () => {
  test("are shown up to the hundredth, and listed in pages", async () => {
    const job = await jobOf(250);
    const { outputs } = await job.describe();
    expect(outputs).toHaveLength(100);
    const folder = `http://store/out/${job.id}/`;
    expect([outputs[0], outputs[99]]).toEqual([`${folder}part-r-00000`, `${folder}part-r-00099`]);
    const pages: string[][] = [];
    let path: string | undefined = `/api/v1/jobs/${job.id}/outputs?limit=200`;
    while (path !== undefined) {
      const response = await call("GET", path);
      pages.push(OutputsSchema.parse(await response.json()));
      path = /<http:\/\/[^/]*([^>]*)>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
    }
    expect(pages.map(({ length }) => length)).toEqual([200, 50]);
    expect(pages.flat().at(-1)).toBe(`${folder}part-r-00249`);
    const whole = await call("GET", `/api/v1/jobs/${job.id}/outputs`);
    expect(OutputsSchema.parse(await whole.json())).toEqual(pages.flat());
  });

  test("can be 99,998 with URLs of 4,096 characters", async () => {
    const job = await jobOf(99_998, `http://store/out/${"x".repeat(4079)}`);
    const described = await job.describe();
    expect([described.status, described.outputs.length]).toEqual(["completed", 100]);
    const { body, next } = present(await job.stub.outputs({ limit: 2, after: "99995" }));
    expect(OutputsSchema.parse(await new Response(body).json()).map((url) => url.slice(-12))).toEqual([
      "part-r-99996",
      "part-r-99997",
    ]);
    expect(next).toBeNull();
  });

  test("are those of the successful maps if there are no reduces", async () => {
    const job = await JobFixture.create({ nReducers: 0, reducerName: undefined, maxFailedMapsPercent: 50 });
    const runner = await job.runner();
    const map = await job.planned(runner);
    const error = { code: "Broken", message: "", final: true };
    const second = taskOf(await runner.request({ kind: "fail", attempt: map.attempt, error }));
    const output = { path: "http://store/out/1", uploadId: "", tags: [], size: 0 };
    const commit = taskOf(await complete(runner, second, { kind: "output", output }));
    expect(taskOf(await complete(runner, commit)).kind).toBe("success");
    await work(runner);
    expect(await job.describe()).toMatchObject({
      status: "completed",
      failedMaps: [0],
      outputs: [`http://store/out/${job.id}/part-m-00001`],
    });
  });

  test("are empty before it completes, and 404 for an unknown job", async () => {
    const job = await JobFixture.create();
    expect(await (await call("GET", `/api/v1/jobs/${job.id}/outputs`)).json()).toEqual([]);
    const unknown = await call("GET", "/api/v1/jobs/01900000-0000-7000-8000-000000000000/outputs");
    expect(unknown.status).toBe(404);
  });
});
