import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { JobDetailSchema, type JobDetail } from "../../shared/api/jobs.ts";
import { TaskSchema } from "../../shared/api/tasks.ts";
import { aggregates } from "../../shared/builtin-programs.ts";
import type { RunnerJob } from "../../shared/protocol/runner.ts";
import { runnerFeatures } from "../../shared/protocol/versions.ts";
import { call, jsonOf, openEnv, postJob, problemOf, runnerToken, upload } from "./api.ts";
import { JobFixture } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";
import { rows } from "./registry-helpers.ts";

/** Jobs whose programs come with the runners. */

const request = {
  inputPath: "http://store/input/",
  outputPath: "http://store/out",
  mapperName: "mapper",
};
const post = async (more: object): Promise<JobDetail> => {
  const response = await postJob({ ...request, ...more });
  expect(response.status).toBe(201);
  return await jsonOf(JobDetailSchema, response);
};

/** What a runner of the job is told to run. */
const toldTo = async ({ id }: JobDetail): Promise<RunnerJob["programs"]> => {
  const job = new JobFixture(id);
  const welcome = await job.hello(await job.dial());
  if (welcome.kind !== "welcome") throw new Error(welcome.kind);
  return welcome.job.programs;
};

/** How the REST API shows a built-in program. */
const shown = (name: string) => ({ name, type: "builtin", size: 0, hash: "" });
const ref = (name: string) => ({ name, type: "builtin" });

beforeAll(async () => {
  for (const name of ["mapper", "reducer"]) await upload(name, `#!${name}`);
});
afterEach(hangUp);

describe("a job with an aggregate", () => {
  it.each(aggregates)("reduces with %s", async (aggregate) => {
    const job = await post({ aggregate, nReducers: 2 });
    expect(job.programs).toEqual({
      mapper: expect.objectContaining({ name: "mapper", size: 8 }),
      reducer: shown(aggregate),
    });
    expect(job.request).toMatchObject({ aggregate });
    const told = await toldTo(job);
    expect(told).toMatchObject({ mapper: { name: "mapper", type: "executable" } });
    expect([told.reducer, told.combiner]).toEqual([ref(aggregate), undefined]);
  });

  it("shows it with each reduce", async () => {
    const { id } = await post({ aggregate: "count", nReducers: 2, splitSize: 100 });
    const job = new JobFixture(id);
    await job.mapped(await job.runner("runner", null, [...runnerFeatures]));
    for (const [type, program] of [
      ["reducer", shown("count")],
      ["mapper", { name: "mapper", size: 8 }],
    ] as const) {
      const tasks = await jsonOf(z.array(TaskSchema), await call("GET", `/api/v1/jobs/${id}/tasks?type=${type}`));
      expect(tasks).toMatchObject([{ program }, { program }]);
    }
  });

  const inItsPlace = "is given although the aggregate takes its place";
  it.each<[string, object, [string, string][]]>([
    ["a reducer", { reducerName: "reducer" }, [["reducerName", inItsPlace]]],
    ["a combiner", { combinerName: "reducer" }, [["combinerName", inItsPlace]]],
    [
      "both, with arguments",
      { reducerName: "reducer", combinerName: "reducer", reducerArgs: ["-n"] },
      [
        ["reducerName", inItsPlace],
        ["combinerName", inItsPlace],
      ],
    ],
    [
      "arguments of a reducer and a combiner",
      { reducerArgs: ["-n"], combinerArgs: ["-n"] },
      [
        ["reducerArgs", "is given although no reducerName is"],
        ["combinerArgs", "is given although no combinerName is"],
      ],
    ],
    ["no reduce tasks", { nReducers: 0 }, [["aggregate", "makes no sense in a map-only job"]]],
    ["a name that is no aggregate's", { aggregate: "mean" }, [["aggregate", '"sum"']]],
  ])("cannot have %s", async (_, more, errors) => {
    const problem = await problemOf(await postJob({ ...request, aggregate: "sum", ...more }));
    expect(problem.status).toBe(400);
    expect(problem.errors).toEqual(
      errors.map(([field, message]) => ({ field, message: expect.stringContaining(message) })),
    );
  });
});

describe("identity", () => {
  it("is a mapper and a reducer, and nothing is pinned for it", async () => {
    const job = await post({ mapperName: "identity", reducerName: "identity" });
    expect(job.programs).toEqual({ mapper: shown("identity"), reducer: shown("identity") });
    expect(await rows("SELECT role FROM pin WHERE job_id = ?", job.id)).toEqual([]);
    expect(await toldTo(job)).toEqual({ mapper: ref("identity"), reducer: ref("identity") });
    const headers = { Authorization: `Bearer ${await runnerToken(openEnv, job.id)}` };
    for (const role of ["mapper", "reducer"]) {
      const answer = await call("GET", `/api/v1/jobs/${job.id}/programs/${role}`, { headers });
      expect((await problemOf(answer)).type).toBe("urn:edgefold:problem:unknown-program");
    }
  });

  it("works beside artifacts, in a map-only job and with an aggregate", async () => {
    const mixed = await post({ reducerName: "identity", combinerName: "reducer" });
    expect(await toldTo(mixed)).toMatchObject({
      mapper: { name: "mapper" },
      reducer: ref("identity"),
      combiner: { name: "reducer", type: "executable" },
    });
    expect((await post({ mapperName: "identity", nReducers: 0 })).programs).toEqual({ mapper: shown("identity") });
    expect((await post({ mapperName: "identity", aggregate: "uniq" })).programs).toEqual({
      mapper: shown("identity"),
      reducer: shown("uniq"),
    });
  });

  it("is the same for a repeated request", async () => {
    const headers = { "Idempotency-Key": "identity" };
    const body = { ...request, mapperName: "identity", aggregate: "sum" };
    const first = await jsonOf(JobDetailSchema, await postJob(body, headers));
    const { id, programs } = await jsonOf(JobDetailSchema, await postJob(body, headers));
    expect({ id, programs }).toEqual({ id: first.id, programs: first.programs });
    expect((await postJob({ ...body, aggregate: "max" }, headers)).status).toBe(422);
  });

  it("is no combiner, no file, and no other name", async () => {
    const more = { mapperName: "Identity", reducerName: "sum", combinerName: "identity", files: ["identity"] };
    const problem = await problemOf(await postJob({ ...request, ...more }));
    expect(problem.status).toBe(404);
    expect(problem.errors?.map(({ field }) => field)).toEqual(["mapperName", "reducerName", "combinerName", "files.0"]);
  });

  it("is an artifact where there is one of this name", async () => {
    await upload("identity", "#!own");
    try {
      const own = { name: "identity", type: "executable", size: 5 };
      const job = await post({ mapperName: "identity", reducerName: "identity", combinerName: "identity" });
      expect(job.programs).toMatchObject({ mapper: own, reducer: own, combiner: own });
      await new JobFixture(job.id).runner();
      await upload("identity", "no program", "file");
      const refused = await problemOf(await postJob({ ...request, mapperName: "identity", aggregate: "sum" }));
      expect(refused.errors).toEqual([
        { field: "mapperName", message: expect.stringContaining("is a file, not a program") },
      ]);
    } finally {
      await call("DELETE", "/api/v1/artifacts/identity");
    }
  });
});

it.each([
  ["an aggregate", { aggregate: "sum" }],
  ["the mapper identity", { mapperName: "identity", nReducers: 0 }],
  ["the reducer identity", { reducerName: "identity" }],
])("%s needs a runner that has built-in programs", async (_, more) => {
  const job = new JobFixture((await post(more)).id);
  const runner = await job.dial();
  const features = runnerFeatures.filter((feature) => feature !== "builtins");
  void job.hello(runner, "old", null, features);
  expect((await runner.closed).reason).toBe("the job needs builtins, which the runner lacks");
});
