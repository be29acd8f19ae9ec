import { beforeAll, describe, expect, it } from "vitest";
import { JobDetailSchema, type JobDetail } from "../../shared/api/jobs.ts";
import { call, jsonOf, postJob, problemOf, upload } from "./api.ts";

const keys = { username: "me", password: "storage-password" };
const request = {
  name: "words",
  inputPath: "http://minio:9000/test/test.txt",
  outputPath: "http://minio:9000/out",
  mapperName: "mapper",
  reducerName: "reducer",
  mapperArgs: ["-n"],
};

const post = async (more: object = {}): Promise<JobDetail> =>
  await jsonOf(JobDetailSchema, await postJob({ ...request, ...more }));
const rerun = async (id: string, changes: object, headers: Record<string, string> = {}): Promise<Response> =>
  await call("POST", `/api/v1/jobs/${id}/rerun`, {
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(changes),
  });
const rerunOk = async (id: string, changes: object, headers?: Record<string, string>): Promise<JobDetail> => {
  const answer = await rerun(id, changes, headers);
  expect(answer.status).toBe(201);
  return await jsonOf(JobDetailSchema, answer);
};

beforeAll(async () => {
  for (const name of ["mapper", "reducer", "other"]) await upload(name, `#!${name}`);
});

describe("a rerun of a job", () => {
  it("is like the first one, except for replaced or removed fields", async () => {
    const first = await post();
    expect(first.rerunOf).toBeNull();
    const second = await rerunOk(first.id, { reducerName: "other", mapperArgs: null, tags: { try: "2" } });
    expect(second).toMatchObject({ name: "words", rerunOf: first.id, tags: { try: "2" }, cluster: first.cluster });
    expect(second.id).not.toBe(first.id);
    expect(second.programs?.reducer?.name).toBe("other");
    const { mapperArgs: _, ...asked } = first.request;
    expect(second.request).toEqual({ ...asked, cluster: first.cluster, reducerName: "other", tags: { try: "2" } });
    const third = await rerunOk(second.id, {});
    expect(third).toMatchObject({ rerunOf: second.id, request: second.request });
  });

  it("must be given sealed fields again, or null", async () => {
    const headers = { "x-amz-request-payer": "requester" };
    const first = await post({ inputStorageCredentials: keys, inputStorageHeaders: headers });
    const refused = await problemOf(await rerun(first.id, { nReducers: 2 }));
    expect(refused.status).toBe(400);
    expect(refused.errors?.map(({ field }) => field)).toEqual(["inputStorageCredentials", "inputStorageHeaders"]);
    const second = await rerunOk(first.id, { inputStorageCredentials: keys, inputStorageHeaders: null });
    const again = await problemOf(await rerun(second.id, {}));
    expect(again.errors?.map(({ field }) => field)).toEqual(["inputStorageCredentials"]);
    expect(JSON.stringify(second)).not.toContain(keys.password);
  });

  it("keeps the name of a Secret in its cluster", async () => {
    const inputStorageCredentials = { secretName: "minio" };
    const first = await post({ inputStorageCredentials });
    expect(first.request.inputStorageCredentials).toMatchObject(inputStorageCredentials);
    const second = await rerunOk(first.id, {});
    expect(second.request.inputStorageCredentials).toEqual(first.request.inputStorageCredentials);
  });

  it("is the same job for the same Idempotency-Key", async () => {
    const { id } = await post();
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    const second = await rerunOk(id, { nReducers: 2 }, headers);
    expect((await rerunOk(id, { nReducers: 2 }, headers)).id).toBe(second.id);
    expect((await rerun(id, { nReducers: 3 }, headers)).status).toBe(422);
  });

  it("is validated like a new job", async () => {
    const { id } = await post();
    expect((await problemOf(await rerun(id, { reducers: 2 }))).errors?.[0]?.field).toBe("reducers");
    expect((await problemOf(await rerun(id, { mapperName: null }))).errors?.[0]?.field).toBe("mapperName");
    expect((await problemOf(await rerun(id, { mapperName: "nobody" }))).status).toBe(404);
    const unknown = "0190a0a0-0000-7000-8000-000000000000";
    expect((await problemOf(await rerun(unknown, {}))).status).toBe(404);
  });
});
