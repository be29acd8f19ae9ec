import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { JobSchema } from "../../shared/api/jobs.ts";
import { call, jsonOf, openEnv, postJob, problemOf, runnerToken, upload } from "./api.ts";

const request = {
  inputPath: "http://minio:9000/test/test.txt",
  inputType: "file/txt",
  outputPath: "http://minio:9000",
  useSSL: false,
  nReducers: 1,
  mapperName: "mapper",
  reducerName: "reducer",
  inputStorageCredentials: { username: "username", password: "password" },
  outputStorageCredentials: { username: "username", password: "password" },
};
const created = async (headers: Record<string, string> = {}) =>
  await jsonOf(JobSchema, await postJob(request, headers));

beforeAll(async () => {
  await upload("mapper", "#!the mapper");
  await upload("reducer", "#!the reducer", "module");
});

describe("a job", () => {
  it("is created as requested, and can be read back", async () => {
    const response = await postJob(request);
    expect(response.status).toBe(201);
    const job = await jsonOf(JobSchema, response);
    expect(response.headers.get("Location")).toBe(`/api/v1/jobs/${job.id}`);
    expect(job.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(job).toMatchObject({
      nReducers: 1,
      outputLocation: { location: "http://minio:9000", useSSL: false },
      inputData: { path: "http://minio:9000/test/test.txt", type: "file/txt", splitStart: 0, splitEnd: 0 },
      endTime: null,
      outputs: [],
    });
    expect(JSON.stringify(job)).not.toContain("password");
    expect(Math.abs(job.startTime - Date.now())).toBeLessThan(60_000);

    expect(await jsonOf(JobSchema, await call("GET", `/api/v1/jobs/${job.id}/`))).toMatchObject({ id: job.id });
    const tasks = await call("GET", `/api/v1/jobs/${job.id}/tasks`);
    expect(tasks.headers.get("Content-Type")).toBe("application/json");
    expect(z.array(z.unknown()).parse(await tasks.json())).toBeInstanceOf(Array);
  });

  it.each([
    ["inputPath", "https://b.s3.us-east-1.amazonaws.com/a?X-Amz-Credential=AK&X-Amz-Signature=5ec4e7", "presigned"],
    ["outputPath", "http://minio:9000/b/out?sig=5ec4e7", "presigned"],
    ["inputPath", "http://minio:9000/b/a?versionId=5ec4e7", "versionId"],
    ["inputPath", "https://me:5ec4e7@minio/b/a", "credentials"],
    ["s3Endpoint", "http://minio:9000/?token=5ec4e7", "without credentials or a query"],
    ["s3Endpoint", "http://me:5ec4e7@minio:9000", "without credentials or a query"],
    ["s3Endpoint", "minio:9000", "must be a URL"],
    ["s3Endpoint", "http://169.254.169.254", "link-local"],
    ["s3Endpoint", "https://b.s3.us-east-1.amazonaws.com", "https://s3.us-east-1.amazonaws.com/b"],
    ["inputPath", "data/books/", "s3://data/books/"],
    ["outputPath", "/tmp/out", "file:///tmp/out"],
    ["outputPath", "https://b.s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com/b"],
    ["inputPath", "s3://", "must name a bucket"],
    ["outputPath", "s3://bucket/a*", "glob"],
    ["inputCompression", "gzip", "auto"],
    ["maxLosses", 0, "must be 1 or more"],
    ["maxLosses", 1001, "must be at most 1000"],
    ["wasmMemory", "1Ki", "must be from 1Mi to 4Gi"],
    ["wasmMemory", "5Gi", "must be from 1Mi to 4Gi"],
    ["wasmMemory", "128 MB", "must be a quantity"],
    ["wasmMemory", "2Gi", "is more than resources.memory, 1Gi, which it is part of: raise that, or lower this"],
  ])("is refused with a fix, without quoting secrets: %s %s", async (field, value, cure) => {
    const response = await postJob({ ...request, resources: { memory: "1Gi" }, [field]: value });
    expect(response.status).toBe(400);
    const text = await response.text();
    expect(text).toContain(cure);
    expect(text).toContain(`"field":"${field}"`);
    expect(text).not.toContain("5ec4e7");
  });

  it("may name objects without an endpoint, and is shown as requested", async () => {
    const fields = { inputPath: "s3://data/books/", outputPath: "s3://", s3Endpoint: "https://minio.example:9000" };
    const job = await jsonOf(JobSchema, await postJob({ ...request, ...fields, inputCompression: "none" }));
    expect(job).toMatchObject({ inputData: { path: "s3://data/books/" }, outputLocation: { location: "s3://" } });
  });

  it("is listed, newest first, at once and in pages", async () => {
    const ids = [(await created()).id, (await created()).id, (await created()).id].toReversed();
    const list = await jsonOf(z.array(JobSchema), await call("GET", "/api/v1/jobs"));
    expect(list.slice(0, 3).map(({ id }) => id)).toEqual(ids);
    const page = await call("GET", "/api/v1/jobs?limit=2");
    expect((await jsonOf(z.array(JobSchema), page)).map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const next = /^<(?:http:\/\/localhost:4750)(\/[^>]+)>; rel="next"$/.exec(page.headers.get("Link") ?? "")?.[1] ?? "";
    expect((await jsonOf(z.array(JobSchema), await call("GET", next)))[0]?.id).toBe(ids[2]);
  });

  it("gets an error that names missing artifacts", async () => {
    const response = await postJob({ ...request, mapperName: "nobody", combinerName: "none" });
    expect(response.status).toBe(404);
    expect(await problemOf(response)).toMatchObject({
      type: "urn:edgefold:problem:unknown-artifact",
      errors: [
        { field: "mapperName", message: "names the artifact 'nobody', which does not exist" },
        { field: "combinerName", message: "names the artifact 'none', which does not exist" },
      ],
    });
  });

  it("can be stopped, once", async () => {
    const { id } = await created();
    const response = await call("DELETE", `/api/v1/jobs/${id}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toBe(`Job ${id} was successfully stopped`);
    const again = await call("DELETE", `/api/v1/jobs/${id}`);
    expect(again.status).toBe(409);
    expect((await problemOf(again)).type).toBe("urn:edgefold:problem:job-ended");
    expect(await jsonOf(JobSchema, await call("GET", `/api/v1/jobs/${id}`))).toMatchObject({ status: "stopped" });
  });
});

describe("an Idempotency-Key", () => {
  it("creates one job for one request", async () => {
    const key = { "Idempotency-Key": "one" };
    const { id } = await created(key);
    const again = await postJob(request, key);
    expect([again.status, (await jsonOf(JobSchema, again)).id]).toEqual([201, id]);
    const other = await postJob({ ...request, nReducers: 2 }, key);
    expect(other.status).toBe(422);
    expect((await problemOf(other)).type).toBe("urn:edgefold:problem:idempotency-conflict");
    const password = { ...request, inputStorageCredentials: { username: "username", password: "another" } };
    expect((await postJob(password, key)).status).toBe(422);
    expect((await created({ "Idempotency-Key": "two" })).id).not.toBe(id);
  });

  it("creates one job for concurrent requests", async () => {
    const key = { "Idempotency-Key": "at once" };
    const jobs = await Promise.all([created(key), created(key), created(key)]);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
  });

  it.each(["", "x".repeat(256)])("must not be '%s'", async (key) => {
    const response = await postJob(request, { "Idempotency-Key": key });
    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors?.[0]?.field).toBe("Idempotency-Key");
  });
});

const text = async (response: Response): Promise<string> => new TextDecoder().decode(await response.arrayBuffer());

describe("a job's programs", () => {
  it("are pinned for its runners", async () => {
    const { id } = await created();
    await upload("mapper", "#!another mapper");
    const headers = { Authorization: `Bearer ${await runnerToken(openEnv, id)}` };
    const content = async (role: string): Promise<Response> =>
      await call("GET", `/api/v1/jobs/${id}/programs/${role}`, { headers });
    expect(await text(await content("mapper"))).toBe("#!the mapper");
    expect(await text(await content("reducer"))).toBe("#!the reducer");
    for (const role of ["combiner", "partitioner"]) {
      const response = await content(role);
      expect(response.status).toBe(404);
      expect((await problemOf(response)).type).toBe("urn:edgefold:problem:unknown-program");
    }
  });
});
