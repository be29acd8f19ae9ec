import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { AttemptSchema } from "../../shared/api/attempts.ts";
import { JobDetailSchema, type JobDetail } from "../../shared/api/jobs.ts";
import { closeCodes } from "../../shared/protocol/connection.ts";
import type { Assignment } from "../../shared/protocol/tasks.ts";
import { runnerFeatures } from "../../shared/protocol/versions.ts";
import { call, jsonOf, openEnv, postJob, problemOf, runnerToken, upload } from "./api.ts";
import { eventually } from "./eventually.ts";
import { claimed, complete, JobFixture, taskOf, work, type Runner } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";
import { settle } from "./registry-helpers.ts";

afterEach(hangUp);
beforeAll(async () => {
  for (const name of ["mapper", "reducer", "mended"]) await upload(name, `#!${name}`);
});

const credentials = { username: "me", password: "storage-password" };
const request = {
  inputPath: "http://store/input/",
  outputPath: "http://store/out",
  mapperName: "mapper",
  reducerName: "reducer",
  nReducers: 2,
  splitSize: 100,
  maxAttempts: 1,
  keepFailedSeconds: 600,
  inputStorageCredentials: credentials,
};

const sums = { reducerName: undefined, aggregate: "sum" };
const identity = { name: "identity", type: "builtin" };

/** Submits a job and completes its maps. @returns the job, its runner and its first reduce */
const mapped = async (more: object = {}): Promise<{ job: JobFixture; runner: Runner; reduce: Assignment }> => {
  const { id } = await jsonOf(JobDetailSchema, await postJob({ ...request, ...more }));
  const job = new JobFixture(id);
  const runner = await job.runner("runner", null, [...runnerFeatures]);
  return { job, runner, reduce: await job.mapped(runner) };
};

const fail = async (runner: Runner, { attempt }: Assignment): Promise<void> => {
  const error = { code: "ProgramFailed", message: "division by zero", final: true };
  void runner.request({ kind: "fail", attempt, error });
  expect(await runner.closed).toMatchObject({ code: closeCodes.ended });
};

/** A failed job that is kept, with one of its two reduces completed. */
const held = async (more: object = {}): Promise<JobFixture> => {
  const { job, runner, reduce } = await mapped(more);
  await fail(runner, taskOf(await complete(runner, reduce)));
  return job;
};

const get = async ({ id }: JobFixture): Promise<JobDetail> =>
  await jsonOf(JobDetailSchema, await call("GET", `/api/v1/jobs/${id}`));
const resume = async ({ id }: JobFixture, changes: object = {}): Promise<Response> =>
  await call("POST", `/api/v1/jobs/${id}/resume`, {
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(changes),
  });
const resumeOk = async (job: JobFixture, changes: object = {}): Promise<JobDetail> => {
  const answer = await resume(job, changes);
  expect(answer.status).toBe(200);
  return await jsonOf(JobDetailSchema, answer);
};
/** The programs that the job tells a runner. */
const programsOf = async (job: JobFixture, runner: Runner) => {
  const welcome = await job.hello(runner);
  if (welcome.kind !== "welcome") throw new Error(welcome.kind);
  return welcome.job.programs;
};
const secrets = async (job: JobFixture): Promise<number> => (await job.query("SELECT 1 FROM secret")).length;

describe("a failed job that is kept", () => {
  it("shows until when it is kept, keeps its credentials, and needs no runner", async () => {
    const job = await held();
    const shown = await get(job);
    expect(shown).toMatchObject({ status: "failed", error: { code: "ProgramFailed" } });
    expect(shown.heldUntil).toBe((shown.endTime ?? 0) + 600_000);
    expect(await secrets(job)).toBe(1);
    const late = await job.dial();
    void job.hello(late, "late");
    expect(await late.closed).toMatchObject({ code: closeCodes.ended });
  });

  it("is cleaned up when its time is over", async () => {
    const job = await held();
    await job.query("UPDATE job SET row = json_set(row, '$.heldUntil', 1)");
    await runDurableObjectAlarm(job.stub);
    expect(await get(job)).toMatchObject({ status: "failed", heldUntil: null });
    expect(await work(await job.runner())).toEqual(["clean"]);
    await expect.poll(async () => await secrets(job)).toBe(0);
    expect((await problemOf(await resume(job))).type).toBe("urn:edgefold:problem:job-not-held");
  });

  it("must be stopped before it can be purged", async () => {
    const job = await held();
    const path = `/api/v1/jobs/${job.id}`;
    const refused = await problemOf(await call("DELETE", `${path}?purge=true`));
    expect(refused).toMatchObject({ status: 409, detail: expect.stringContaining("Stop it first") });
    expect(await (await call("DELETE", path)).json()).toBe(`Job ${job.id} is no longer kept, and is cleaned up`);
    expect(await work(await job.runner())).toEqual(["clean"]);
    expect((await call("DELETE", path)).status).toBe(409);
    await expect.poll(async () => (await call("DELETE", `${path}?purge=true`)).status).toBe(200);
  });

  it("is not kept if nothing was computed", async () => {
    const { id } = await jsonOf(JobDetailSchema, await postJob(request));
    const job = new JobFixture(id);
    const runner = await job.runner();
    await fail(runner, await claimed(runner));
    expect(await get(job)).toMatchObject({ status: "failed", heldUntil: null });
  });
});

describe("a resumed job", () => {
  it("runs only what is not completed", async () => {
    const job = await held();
    expect(await resumeOk(job)).toMatchObject({
      status: "reducing",
      heldUntil: null,
      endTime: null,
      error: null,
      progress: { maps: { completed: 2 }, reduces: { completed: 1, failed: 0 } },
    });
    expect((await problemOf(await resume(job))).status).toBe(409);
    expect(await work(await job.runner())).toEqual(["reduce", "commit", "success", "clean"]);
    expect(await get(job)).toMatchObject({ status: "completed", error: null });
  });

  it("repeats all reduces but no maps if its reducer is replaced", async () => {
    const job = await held();
    const resumed = await resumeOk(job, { reducerName: "mended", reducerArgs: ["-v"], maxAttempts: 2 });
    expect(resumed).toMatchObject({ status: "reducing", progress: { reduces: { completed: 0 } } });
    expect(resumed.programs?.reducer?.name).toBe("mended");
    expect(resumed.request).toMatchObject({ reducerArgs: ["-v"], maxAttempts: 2 });
    const runner = await job.dial();
    const welcome = await job.hello(runner, "second", null, ["arguments"]);
    if (welcome.kind !== "welcome") throw new Error(welcome.kind);
    expect(welcome.job.programs).toMatchObject({
      mapper: { name: "mapper" },
      reducer: { name: "mended", args: ["-v"] },
    });
    expect(welcome.job.input.credentials).toEqual(credentials);
    expect(await work(runner)).toEqual(["reduce", "reduce", "commit", "success", "clean"]);
    const attempts = await call("GET", `/api/v1/jobs/${job.id}/tasks/${job.id}-r-0/attempts`);
    expect(await jsonOf(z.array(AttemptSchema), attempts)).toMatchObject([
      { number: 2, outcome: "won" },
      { number: 1, outcome: "superseded" },
    ]);
  });

  it("repeats everything if its mapper is replaced", async () => {
    const job = await held();
    expect(await resumeOk(job, { mapperName: "mended" })).toMatchObject({
      status: "mapping",
      progress: { maps: { total: 2, completed: 0 }, reduces: { completed: 0 } },
    });
    expect(await work(await job.runner())).toEqual(["map", "map", "reduce", "reduce", "commit", "success", "clean"]);
  });

  it("repeats all reduces if its reducer becomes a built-in one, and keeps that one", async () => {
    const job = await held({ combinerName: "reducer" });
    const resumed = await resumeOk(job, { reducerName: "identity" });
    expect(resumed).toMatchObject({
      status: "reducing",
      progress: { maps: { completed: 2 }, reduces: { completed: 0 } },
    });
    expect(resumed.programs).toMatchObject({ reducer: { name: "identity", type: "builtin" }, combiner: { size: 9 } });
    const runner = await job.dial();
    expect(await programsOf(job, runner)).toMatchObject({ reducer: identity });
    await fail(runner, await claimed(runner));
    await upload("identity", "#!identity");
    expect((await resumeOk(job)).programs?.reducer).toMatchObject(identity);
    const second = await job.runner("second", null, [...runnerFeatures]);
    await fail(second, await claimed(second));
    expect((await resumeOk(job, { reducerName: "identity" })).programs?.reducer).toMatchObject({ type: "executable" });
    await call("DELETE", "/api/v1/artifacts/identity");
  });

  it.each([
    ["by an aggregate", {}, { reducerName: null, aggregate: "sum" }, { name: "sum", type: "builtin" }],
    ["by another aggregate", sums, { aggregate: "max" }, { name: "max", type: "builtin" }],
    ["in place of an aggregate", sums, { aggregate: null, reducerName: "mended" }, { name: "mended", size: 8 }],
    ["by identity in place of an aggregate", sums, { aggregate: null, reducerName: "identity" }, identity],
  ])(
    "repeats everything if its reducer is replaced %s, as maps combine with it",
    async (_, first, changes, reducer) => {
      const job = await held(first);
      const resumed = await resumeOk(job, changes);
      expect(resumed).toMatchObject({
        status: "mapping",
        progress: { maps: { completed: 0 }, reduces: { completed: 0 } },
      });
      expect(resumed.programs?.reducer).toMatchObject(reducer);
      const runner = await job.dial();
      expect(await programsOf(job, runner)).toMatchObject({ mapper: { name: "mapper" }, reducer });
      expect(await work(runner)).toEqual(["map", "map", "reduce", "reduce", "commit", "success", "clean"]);
    },
  );

  it("holds a new program even if it held none before", async () => {
    const job = await held({ ...sums, mapperName: "identity" });
    await upload("passing", "#!passing");
    await resumeOk(job, { mapperName: "passing" });
    await call("DELETE", "/api/v1/artifacts/passing");
    await settle();
    const headers = { Authorization: `Bearer ${await runnerToken(openEnv, job.id)}` };
    const content = await call("GET", `/api/v1/jobs/${job.id}/programs/mapper`, { headers });
    expect(new TextDecoder().decode(await content.arrayBuffer())).toBe("#!passing");
    expect((await call("GET", `/api/v1/jobs/${job.id}/programs/reducer`, { headers })).status).toBe(404);
  });

  it("cannot have an aggregate beside a reducer, or neither", async () => {
    const job = await held();
    expect((await problemOf(await resume(job, { aggregate: "sum" }))).errors?.map(({ field }) => field)).toEqual([
      "reducerName",
    ]);
    expect((await problemOf(await resume(job, { reducerName: null }))).errors?.map(({ field }) => field)).toEqual([
      "reducerName",
    ]);
  });

  it("uses replaced credentials, and keeps the others", async () => {
    const job = await held();
    const outputStorageCredentials = { username: "other", password: "another-password" };
    expect(JSON.stringify(await resumeOk(job, { outputStorageCredentials }))).not.toContain("another-password");
    const runner = await job.dial();
    const welcome = await job.hello(runner);
    if (welcome.kind !== "welcome") throw new Error(welcome.kind);
    expect(welcome.job.input.credentials).toEqual(credentials);
    expect(welcome.job.output.credentials).toEqual(outputStorageCredentials);
  });

  it("cannot change its input or its output", async () => {
    const job = await held();
    const same = { inputPath: request.inputPath, nReducers: 2 };
    const refused = await problemOf(await resume(job, { ...same, outputPath: "http://store/other", splitSize: null }));
    expect(refused.errors?.map(({ field }) => field)).toEqual(["outputPath", "splitSize"]);
    const unknown = await problemOf(await resume(job, { reducerName: "nobody" }));
    expect(unknown.errors).toEqual([{ field: "reducerName", message: expect.stringContaining("does not exist") }]);
    expect((await problemOf(await resume(job, { maxAttempts: 0 }))).errors?.map(({ field }) => field)).toEqual([
      "maxAttempts",
    ]);
    await resumeOk(job, same);
  });

  it("does not fail again because of the same report", async () => {
    const { job } = await mapped();
    const failure = { kind: "failed", failure: { code: "InvalidPod", message: "no such image" } } as const;
    await job.report(failure, 7);
    expect(await get(job)).toMatchObject({ status: "failed", error: { code: "InvalidPod" } });
    await resumeOk(job, { image: "other" });
    await job.report(failure, 7);
    expect(await get(job)).toMatchObject({ status: "reducing" });
    await job.report(failure, 8);
    expect(await get(job)).toMatchObject({ status: "failed" });
  });

  it("gets a new deadline", async () => {
    const job = await held({ deadlineSeconds: 100 });
    await job.query("UPDATE job SET spec = json_set(spec, '$.createdAt', 1)");
    expect(await resumeOk(job)).toMatchObject({ status: "reducing" });
    await runDurableObjectAlarm(job.stub);
    expect(await get(job)).toMatchObject({ status: "reducing" });
  });
});

describe("the notification of a resumed job", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each([
    ["at the same URL", {}, ["failed at http://a.example/", "stopped at http://a.example/"]],
    [
      "at another one",
      { notify: { url: "http://b.example/" } },
      ["failed at http://a.example/", "stopped at http://b.example/"],
    ],
    ["nowhere if nobody is to be notified", { notify: null }, ["failed at http://a.example/"]],
  ])("reports its next end %s", async (_, changes, expected) => {
    const told: string[] = [];
    vi.spyOn(globalThis, "fetch").mockImplementation(async (to, init) => {
      const { url, body } = new Request(to, init);
      const { status } = JobDetailSchema.parse(JSON.parse(await new Response(body).text()));
      told.push(`${status} at ${url}`);
      return new Response(null, { status: 204 });
    });
    const job = await held({ notify: { url: "http://a.example/" } });
    await eventually(async () => expect((await get(job)).notification).toMatchObject({ status: "delivered" }));
    const { notification } = await resumeOk(job, changes);
    expect(notification).toEqual(expected.length === 1 ? null : { status: "waiting", attempts: 0, lastError: null });
    await job.stub.stop();
    await eventually(() => expect(told).toEqual(expected));
    await work(await job.runner());
    await eventually(async () =>
      expect(await job.query("SELECT sealed FROM notification WHERE sealed > ''")).toEqual([]),
    );
  });
});
