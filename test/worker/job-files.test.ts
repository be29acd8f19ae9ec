import { beforeAll, describe, expect, it } from "vitest";
import { JobDetailSchema, type JobDetail } from "../../shared/api/jobs.ts";
import { protocolVersion, runnerFeatures } from "../../shared/protocol/versions.ts";
import { call, jsonOf, openEnv, postJob, problemOf, runnerToken, sha256, upload } from "./api.ts";
import { rows, settle, storedKeys } from "./registry-helpers.ts";
import { eventually } from "./eventually.ts";
import { JobFixture } from "./job-fixture.ts";

/** The files and archives in the working directory of a job's programs. */

const request = {
  inputPath: "http://minio:9000/test/test.txt",
  outputPath: "http://minio:9000",
  nReducers: 0,
  mapperName: "mapper",
};
const post = async (more: object): Promise<JobDetail> =>
  await jsonOf(JobDetailSchema, await postJob({ ...request, ...more }));

const text = async (response: Response): Promise<string> => new TextDecoder().decode(await response.arrayBuffer());
const archive = (content: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(new TextEncoder().encode(`PK\u0003\u0004${content}`));

beforeAll(async () => {
  await upload("mapper", "#!mapper");
  await upload("helper.sh", "#!helper");
  await upload("stop.txt", "the\n");
  await upload("deps.zip", archive("deps"));
});

describe("a job's files and archives", () => {
  it("are shown as pinned, with their names", async () => {
    const job = await post({
      files: ["stop.txt", { name: "stop.txt", as: "again.txt" }, "deps.zip", "helper.sh", "mapper"],
      archives: [{ name: "deps.zip", as: "deps" }],
    });
    const stop = { name: "stop.txt", type: "file", size: 4, hash: await sha256(new TextEncoder().encode("the\n")) };
    const deps = { name: "deps.zip", type: "archive", size: 8, hash: await sha256(archive("deps")) };
    expect(job.files.slice(0, 3)).toEqual([
      { ...stop, as: "stop.txt" },
      { ...stop, as: "again.txt" },
      { ...deps, as: "deps.zip" },
    ]);
    expect(job.files.slice(3)).toMatchObject([
      { name: "helper.sh", type: "executable" },
      { name: "mapper", as: "mapper" },
    ]);
    expect(job.archives).toEqual([{ ...deps, as: "deps" }]);
    const { files, archives } = await jsonOf(JobDetailSchema, await call("GET", `/api/v1/jobs/${job.id}`));
    expect({ files, archives }).toEqual({ files: job.files, archives: job.archives });
    const [snapshot] = await rows("SELECT snapshot FROM job WHERE id = ?", job.id);
    expect(String(snapshot?.["snapshot"])).not.toContain("stop.txt");
  });

  it("stay the same for its runners, whatever happens to the artifacts", async () => {
    await upload("table.txt", "first");
    const { id, files } = await post({ files: ["table.txt"] });
    await upload("table.txt", "second");
    await call("DELETE", "/api/v1/artifacts/table.txt");
    await settle();
    const headers = { Authorization: `Bearer ${await runnerToken(openEnv, id)}` };
    const content = async (hash = ""): Promise<Response> =>
      await call("GET", `/api/v1/jobs/${id}/contents/${hash}`, { headers });
    expect(await text(await content(files[0]?.hash))).toBe("first");
    expect(await text(await content(await sha256(new TextEncoder().encode("#!mapper"))))).toBe("#!mapper");
    for (const other of ["the\n", "second"]) {
      expect((await content(await sha256(new TextEncoder().encode(other)))).status).toBe(404);
    }
    // Content that nobody else uses is deleted with the job.
    const kept = (await storedKeys()).length;
    await call("DELETE", `/api/v1/jobs/${id}`);
    await eventually(async () => expect((await storedKeys()).length).toBe(kept - 1));
    expect((await content(files[0]?.hash)).status).toBe(404);
  });

  it("are the same for a repeated request", async () => {
    const headers = { "Idempotency-Key": "files" };
    const body = { ...request, files: ["stop.txt"], archives: ["deps.zip"] };
    const first = await jsonOf(JobDetailSchema, await postJob(body, headers));
    const { id, files } = await jsonOf(JobDetailSchema, await postJob(body, headers));
    expect({ id, files }).toEqual({ id: first.id, files: first.files });
    expect((await postJob({ ...body, files: [] }, headers)).status).toBe(422);
  });

  it.each([
    ["files", { archives: ["deps.zip"] }],
    ["secrets", { secretEnvironment: { KEY: { secretName: "service", key: "key" } } }],
  ])("need a runner that supports %s", async (feature, changes) => {
    const { id } = await post(changes);
    const runner = await new JobFixture(id).dial();
    const features = runnerFeatures.filter((known) => known !== feature);
    const about = { runnerId: "a", podName: "a", attempt: null, version: protocolVersion, features };
    runner.send(JSON.stringify({ id: 1, kind: "hello", ...about }));
    expect((await runner.closed).reason).toBe(`the job needs ${feature}, which the runner lacks`);
  });
});

describe("a job is refused", () => {
  const notThere = "names the artifact 'none', which does not exist";
  it.each<[string, object, number, [string, string][]]>([
    [
      "for artifacts that do not exist",
      { files: ["stop.txt", "none"], archives: [{ name: "none", as: "deps" }] },
      404,
      [
        ["files.1", notThere],
        ["archives.0", notThere],
      ],
    ],
    ["for a file as its program", { mapperName: "stop.txt" }, 400, [["mapperName", "is a file, not a program"]]],
    [
      "for an archive as its program",
      { combinerName: "deps.zip", reducerName: "deps.zip", nReducers: 1 },
      400,
      [
        ["reducerName", "name the archive in `archives`"],
        ["combinerName", "is an archive, not a program"],
      ],
    ],
    [
      "for a file as an archive",
      { archives: ["stop.txt"] },
      400,
      [["archives.0", "is no archive: name it in `files`"]],
    ],
    [
      "for two files with one name",
      { files: ["stop.txt", { name: "helper.sh", as: "stop.txt" }] },
      400,
      [["files.1", "would lie at 'stop.txt', as files.0 does"]],
    ],
    [
      "for a file and an archive with one name",
      { files: ["deps.zip"], archives: ["deps.zip"] },
      400,
      [["archives.0", '{"name": "deps.zip", "as": "…"}']],
    ],
    [
      "for a file that has a program's name",
      { files: [{ name: "stop.txt", as: "mapper" }] },
      400,
      [["files.0", "as a program of the job does"]],
    ],
    [
      "for a name that leaves the directory",
      { files: [{ name: "stop.txt", as: "../x" }] },
      400,
      [["files.0.as", "must not hold '/'"]],
    ],
    ["for a name that is a folder", { files: [".."] }, 400, [["files.0", "must not be '.' or '..'"]]],
    ["for no name", { files: [{ as: "x" }] }, 400, [["files.0.name", "is required"]]],
    ["for an unknown field", { files: [{ name: "stop.txt", to: "x" }] }, 400, [["files.0.to", "is not a known field"]]],
    ["for too many", { files: Array(101).fill("stop.txt") }, 400, [["files", "must have at most 100 items"]]],
  ])("%s", async (_, changes, status, errors) => {
    const response = await postJob({ ...request, ...changes });
    expect(response.status).toBe(status);
    const problem = await problemOf(response);
    expect(problem.errors).toEqual(
      errors.map(([field, message]) => ({ field, message: expect.stringContaining(message) })),
    );
  });
});
