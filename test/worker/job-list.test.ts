import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { JobDetailSchema, JobSchema, type JobDetail } from "../../shared/api/jobs.ts";
import { call, jsonOf, postJob, problemOf, upload } from "./api.ts";
import { eventually } from "./eventually.ts";
import { JobFixture, work } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

const request = {
  inputPath: "http://minio:9000/test/test.txt",
  outputPath: "http://minio:9000/out",
  mapperName: "mapper",
  reducerName: "reducer",
  inputStorageCredentials: { username: "username", password: "password" },
  outputStorageHeaders: { "x-amz-request-payer": "requester" },
};

const post = async (more: object): Promise<JobDetail> =>
  await jsonOf(JobDetailSchema, await postJob({ ...request, ...more }));
const list = async (query: string): Promise<(string | null)[]> =>
  (await jsonOf(z.array(JobSchema), await call("GET", `/api/v1/jobs${query}`))).map(({ name }) => name);

beforeAll(async () => {
  for (const name of ["mapper", "reducer", "count.py"]) await upload(name, `#!${name}`);
});
afterEach(hangUp);

describe("a job", () => {
  it("shows its request without the secrets", async () => {
    const more = { name: "Words of Mozart", tags: { team: "search" }, mapperArgs: ["-n"], environment: { A: "b" } };
    const job = await post(more);
    expect(job).toMatchObject({ name: more.name, tags: more.tags, programs: { mapper: { name: "mapper", size: 8 } } });
    expect(job.request).toMatchObject({ inputPath: request.inputPath, ...more, nReducers: 1 });
    expect(JSON.stringify(job)).not.toMatch(/password|requester/);
    const { request: asked } = await jsonOf(JobDetailSchema, await call("GET", `/api/v1/jobs/${job.id}`));
    expect(asked).toEqual(job.request);
    const [listed] = await jsonOf(z.array(z.looseObject({})), await call("GET", "/api/v1/jobs?limit=1"));
    expect(listed).toMatchObject({ id: job.id, name: more.name, tags: more.tags });
    expect(listed).not.toHaveProperty("request");
  });

  it.each([
    ["name", { name: "x".repeat(201) }, "at most 200"],
    ["name", { name: "" }, "must not be empty"],
    ["tags.a:b", { tags: { "a:b": "c" } }, "letters, digits"],
    ["tags.a", { tags: { a: 1 } }, "string"],
  ])("is refused with a bad %s", async (field, more, message) => {
    const { status, errors } = await problemOf(await postJob({ ...request, ...more }));
    expect({ status, errors }).toEqual({ status: 400, errors: [{ field, message: expect.stringContaining(message) }] });
  });
});

describe("the list of jobs", () => {
  it("can be filtered by properties of the jobs", async () => {
    const since = Date.now();
    await post({ name: "Alpha one", tags: { team: "a", "x.y/z": "1" } });
    await post({ name: "beta", tags: { team: "a" }, mapperName: "count.py", cluster: "other" });
    const last = await post({ name: "Alpha TWO", tags: { team: "b" } });
    await call("DELETE", `/api/v1/jobs/${last.id}`);
    await eventually(async () => expect(await list(`?since=${since}&status=stopped`)).toEqual(["Alpha TWO"]));
    const all = ["Alpha TWO", "beta", "Alpha one"];
    expect(await list(`?since=${since}`)).toEqual(all);
    expect(await list(`?since=${new Date(since).toISOString()}`)).toEqual(all);
    expect(await list(`?since=${since}&until=${since}`)).toEqual([]);
    expect(await list(`?since=${since}&name=alpha`)).toEqual(["Alpha TWO", "Alpha one"]);
    expect(await list(`?since=${since}&tag=team:a`)).toEqual(["beta", "Alpha one"]);
    expect(await list(`?since=${since}&tag=team:a&tag=x.y/z:1`)).toEqual(["Alpha one"]);
    expect(await list(`?since=${since}&program=count.py`)).toEqual(["beta"]);
    expect(await list(`?since=${since}&cluster=other`)).toEqual(["beta"]);
    expect(await list(`?since=${since}&submittedBy=nobody`)).toEqual([]);
    expect(await list(`?since=${since}&status=pending,stopped&limit=2`)).toEqual(["Alpha TWO", "beta"]);
  });

  it("can be filtered by built-in programs", async () => {
    const since = Date.now();
    await post({ name: "sums", aggregate: "sum", reducerName: undefined });
    await post({ name: "sorted", mapperName: "identity", reducerName: "identity" });
    await post({ name: "other" });
    expect(await list(`?since=${since}&program=sum`)).toEqual(["sums"]);
    expect(await list(`?since=${since}&program=identity`)).toEqual(["sorted"]);
    expect(await list(`?since=${since}&program=reducer`)).toEqual(["other"]);
  });

  it.each([
    ["status", "?status=done", "must be some of pending"],
    ["tag", "?tag=team", "team:search"],
    ["tag", `?tag=${encodeURIComponent('a"b:c')}`, "letters, digits"],
    ["since", "?since=yesterday", "2030-12-31"],
    ["since", "?since=31 Dec 2030", "2030-12-31"],
    ["until", "?until=2030-13-01", "2030-12-31"],
    ["nam", "?nam=a", "is no parameter of this query"],
  ])("refuses a bad %s", async (field, query, message) => {
    const { errors } = await problemOf(await call("GET", `/api/v1/jobs${query}`));
    expect(errors?.[0]?.field.split(".")[0]).toBe(field);
    expect(errors?.[0]?.message).toContain(message);
  });

  it("is not sent again if nothing has changed", async () => {
    const first = await call("GET", "/api/v1/jobs?limit=1");
    const etag = first.headers.get("ETag") ?? "";
    await first.body?.cancel();
    const headers = { "If-None-Match": etag };
    const again = await call("GET", "/api/v1/jobs?limit=1", { headers });
    expect([again.status, again.headers.get("ETag"), await again.text()]).toEqual([304, etag, ""]);
    await post({});
    const changed = await call("GET", "/api/v1/jobs?limit=1", { headers });
    expect(changed.status).toBe(200);
    await changed.body?.cancel();
  });
});

describe("DELETE with purge", () => {
  it("removes a job that is over, but no other", async () => {
    const running = await post({});
    const refused = await problemOf(await call("DELETE", `/api/v1/jobs/${running.id}?purge=true`));
    expect(refused).toMatchObject({ status: 409, detail: expect.stringContaining("Stop it first") });
    const job = await JobFixture.create();
    const runner = await job.runner();
    await job.planned(runner);
    await work(runner);
    const path = `/api/v1/jobs/${job.id}?purge=true`;
    await eventually(async () => expect((await call("DELETE", path)).status).toBe(200));
    expect((await call("GET", `/api/v1/jobs/${job.id}`)).status).toBe(404);
    expect((await call("DELETE", path)).status).toBe(404);
    const ids = await jsonOf(z.array(z.object({ id: z.string() })), await call("GET", "/api/v1/jobs"));
    expect(ids.map(({ id }) => id)).not.toContain(job.id);
  });
});
