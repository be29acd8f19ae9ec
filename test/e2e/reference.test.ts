import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Edgefold } from "../helpers/edgefold.ts";
import { isInstalled, sample } from "../helpers/sample.ts";

/** Sends every sample request of the API reference with curl as printed there, and checks every field of every response. */

const hasCurl = await isInstalled("curl");

const json = "--header 'Content-Type: application/json'";
const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const mapper = `#!/usr/bin/env awk -f
{ for (i = 1; i <= NF; i++) print $i "\\t1" }
`.replace("env awk", "env -S awk");
const reducer = `#!/bin/sh
# Sums up the values of each key.
exec awk -F '\\t' '
  NR > 1 && $1 != key { print key "\\t" sum; sum = 0 }
  { key = $1; sum += $2 }
  END { if (NR > 0) print key "\\t" sum }'
`;
const line = "the quick brown fox jumps over the lazy dog\n";
const text = line.repeat(400);
const counts = ["brown 400", "dog 400", "fox 400", "jumps 400", "lazy 400", "over 400", "quick 400", "the 800"];

/** The time in a UUIDv7, in ms. */
const timeOf = (id: string): number => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);

/** A file's hash, as `sha256sum` prints it. */
const sha256sum = (file: string): string =>
  execFileSync("sha256sum", [file], { encoding: "utf8" }).split(" ")[0] ?? "no hash";

describe.skipIf(!hasCurl)("the API reference's samples", () => {
  const began = Date.now();
  let edgefold: Edgefold;
  let artifacts: string;
  let jobs: string;
  let folder: string;
  let input: string;

  const within = (time: number): void => {
    expect(Number.isInteger(time)).toBe(true);
    expect(time).toBeGreaterThanOrEqual(began);
    expect(time).toBeLessThanOrEqual(Date.now());
  };

  const write = async (name: string, content: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, content, { mode: 0o755 });
    return path;
  };

  /** The fields of an artifact that the reference shows. */
  const artifact = (name: string) => ({
    name,
    type: "executable",
    size: Buffer.byteLength(name === "mapper" ? mapper : reducer),
    hash: sha256sum(join(folder, name)),
  });

  /** The sample for `POST /jobs`, with exactly its fields and those in `extra`. */
  const post = (extra: object = {}): string => {
    const credentials = { ...edgefold.keys };
    const body = {
      nReducers: 1,
      inputPath: input,
      inputType: "file/txt",
      outputPath: edgefold.s3Endpoint,
      useSSL: false,
      mapperName: "mapper",
      reducerName: "reducer",
      inputStorageCredentials: credentials,
      outputStorageCredentials: credentials,
      ...extra,
    };
    return `curl --location '${jobs}' ${json} --data '${JSON.stringify(body, null, 2)}'`;
  };

  const split = (splitStart: number, splitEnd: number) => ({ path: input, type: "file/txt", splitStart, splitEnd });

  /** The fields of a job that the reference shows. */
  const jobFields = (id: string, startTime: number, splitEnd: number) => ({
    id,
    nReducers: 1,
    outputLocation: { location: edgefold.s3Endpoint, useSSL: false },
    inputData: { id, path: input, type: "file/txt", splitStart: 0, splitEnd },
    startTime,
  });

  beforeAll(async () => {
    edgefold = await Edgefold.start({ env: { SHUFFLE: "store" } });
    artifacts = `${edgefold.url}/api/v1/artifacts`;
    jobs = `${edgefold.url}/api/v1/jobs`;
    folder = join(edgefold.dir, "programs");
    await mkdir(folder, { recursive: true });
    await write("mapper", mapper);
    await write("reducer", reducer);
    input = await edgefold.put("data/test/test.txt", text);
  });

  afterAll(async () => {
    await edgefold.stop();
  });

  test("list all available artifacts, when there are none", async () => {
    const answer = await sample(`curl --location '${artifacts}' ${json}`);
    expect(answer).toMatchObject({ status: 200, body: [] });
    expect(answer.type).toMatch(/^application\/json/);
  });

  test("list all scheduled jobs, when there are none", async () => {
    expect(await sample(`curl --location '${jobs}' ${json}`)).toMatchObject({ status: 200, body: [] });
  });

  test("create new artifact", async () => {
    for (const name of ["mapper", "reducer"]) {
      const put = `curl --request PUT --location '${artifacts}' --form 'program=@"${join(folder, name)}"'`;
      const { status, body } = await sample(put);
      expect({ status, body }).toMatchObject({ status: 200, body: artifact(name) });
    }
  });

  test("list all available artifacts, newest first", async () => {
    const { status, body } = await sample(`curl --location '${artifacts}' ${json}`);
    expect({ status, body }).toMatchObject({ status: 200, body: [artifact("reducer"), artifact("mapper")] });
  });

  test("get artifact metadata", async () => {
    const { status, body } = await sample(`curl --location '${artifacts}/mapper' ${json}`);
    expect({ status, body }).toMatchObject({ status: 200, body: artifact("mapper") });
    const unknown = await sample(`curl --location '${artifacts}/nobody' ${json}`);
    expect(unknown).toMatchObject({ status: 404, type: "application/problem+json" });
    expect(unknown.body).toMatchObject({ type: "urn:edgefold:problem:unknown-artifact", status: 404 });
  });

  test("create a new artifact that replaces an old one", async () => {
    const changed = `${mapper}# changed\n`;
    const path = await write("mapper", changed);
    const put = `curl --request PUT --location '${artifacts}' --form 'program=@"${path}"'`;
    const { status, body } = await sample(put);
    const replaced = { name: "mapper", type: "executable", size: Buffer.byteLength(changed), hash: sha256sum(path) };
    expect({ status, body }).toMatchObject({ status: 200, body: replaced });
    const again = await sample(
      `curl --request PUT --location '${artifacts}' --form 'program=@"${await write("mapper", mapper)}"'`,
    );
    expect(again.body).toMatchObject(artifact("mapper"));
    const { body: all } = await sample(`curl --location '${artifacts}' ${json}`);
    expect(all).toHaveLength(2);
  });

  test("schedule a job, and get its metadata until it is completed", async () => {
    const before = Date.now();
    const { status, body } = await sample(post());
    expect(status).toBe(201);
    expect(body).toMatchObject({ id: expect.stringMatching(uuidV7), startTime: expect.any(Number) });
    const [{ id, startTime } = { id: "", startTime: 0 }] = await edgefold.listJobs();
    expect(body).toMatchObject(jobFields(id, startTime, 0));
    expect(startTime).toBeGreaterThanOrEqual(before);
    within(startTime);
    expect(timeOf(id)).toBeGreaterThanOrEqual(before);
    within(timeOf(id));

    const { outputs, endTime } = await edgefold.completed(id);
    const done = await sample(`curl --location '${jobs}/${id}' ${json}`);
    expect(done.status).toBe(200);
    expect(done.body).toMatchObject({ ...jobFields(id, startTime, text.length), status: "completed", error: null });
    within(endTime ?? 0);
    expect(outputs).toEqual([`${edgefold.s3Endpoint}/reducers/${id}/part-r-00000`]);
    const [output] = outputs;
    expect((await edgefold.readAll(output ?? "")).toString()).toBe(
      counts.map((count) => `${count.replace(" ", "\t")}\n`).join(""),
    );
    expect(await edgefold.keysIn("reducers", `${id}/`)).toEqual([`${id}/_SUCCESS`, `${id}/part-r-00000`]);
  });

  test("get the tasks of a finished job, reducers before mappers", async () => {
    const { body } = await sample(post({ splitSize: 6000, nReducers: 2 }));
    const [{ id } = { id: "" }] = await edgefold.listJobs();
    expect(body).toMatchObject({ id, nReducers: 2 });
    await edgefold.completed(id);

    const tasks = await sample(`curl --location '${jobs}/${id}/tasks' ${json}`);
    expect(tasks.status).toBe(200);
    const task = (name: string, of: "mapper" | "reducer", inputData: object) => ({
      id: `${id}-${name}`,
      type: of,
      status: "completed",
      program: artifact(of),
      inputData: { id: `${id}-${name}`, ...inputData },
      podName: expect.stringMatching(/./),
      startTime: expect.any(Number),
    });
    const segments = {
      path: `${edgefold.s3Endpoint}/reducers/.edgefold/${id}/`,
      type: "segments",
      splitStart: 0,
      splitEnd: expect.any(Number),
    };
    expect(text).toHaveLength(17_600);
    expect(tasks.body).toMatchObject([
      task("r-1", "reducer", segments),
      task("r-0", "reducer", segments),
      task("m-2", "mapper", split(12_000, 17_600)),
      task("m-1", "mapper", split(6000, 12_000)),
      task("m-0", "mapper", split(0, 6000)),
    ]);
    const parsed = await edgefold.tasks(id);
    for (const { startTime } of parsed) within(startTime);
    expect(parsed.slice(0, 2).reduce((sum, { inputData }) => sum + inputData.splitEnd, 0)).toBeGreaterThan(0);

    const unknown = await sample(`curl --location '${jobs}/0190a0a0-0000-7000-8000-000000000000/tasks' ${json}`);
    expect(unknown).toMatchObject({ status: 404, body: { type: "urn:edgefold:problem:unknown-job" } });
  });

  test("list all scheduled jobs, newest first", async () => {
    const { status, body } = await sample(`curl --location '${jobs}' ${json}`);
    expect(status).toBe(200);
    const [newest, oldest] = await edgefold.listJobs();
    expect(body).toMatchObject([
      { ...jobFields(newest?.id ?? "", newest?.startTime ?? 0, text.length), nReducers: 2 },
      jobFields(oldest?.id ?? "", oldest?.startTime ?? 0, text.length),
    ]);
    expect(timeOf(newest?.id ?? "")).toBeGreaterThanOrEqual(timeOf(oldest?.id ?? ""));
    expect(newest?.startTime).toBeGreaterThan(oldest?.startTime ?? Number.POSITIVE_INFINITY);
  });

  test("stop job", async () => {
    await edgefold.upload("sleeper", "#!/bin/sh\nexec sleep 1000\n");
    await sample(post({ mapperName: "sleeper" }));
    const [{ id } = { id: "" }] = await edgefold.listJobs();
    const stopped = await sample(`curl --request DELETE --location '${jobs}/${id}' ${json}`);
    expect(stopped).toMatchObject({ status: 200, body: `Job ${id} was successfully stopped` });
    expect(stopped.type).toMatch(/^application\/json/);
    expect((await sample(`curl --location '${jobs}/${id}' ${json}`)).body).toMatchObject({ id, status: "stopped" });
    const again = await sample(`curl --request DELETE --location '${jobs}/${id}' ${json}`);
    expect(again).toMatchObject({ status: 409, body: { type: "urn:edgefold:problem:job-ended", status: 409 } });
  });

  test("stop job, without an id as the sample prints it", async () => {
    const answer = await sample(`curl --request DELETE --location '${jobs}' ${json}`);
    expect(answer).toMatchObject({ status: 405, type: "application/problem+json" });
    expect(answer.body).toMatchObject({
      type: "urn:edgefold:problem:method-not-allowed",
      status: 405,
      detail: expect.stringContaining("DELETE /api/v1/jobs/{id}"),
    });
  });

  test("get the metadata of an unknown job", async () => {
    const answer = await sample(`curl --location '${jobs}/0190a0a0-0000-7000-8000-000000000000' ${json}`);
    expect(answer).toMatchObject({ status: 404, type: "application/problem+json" });
    expect(answer.body).toMatchObject({ type: "urn:edgefold:problem:unknown-job", status: 404 });
  });

  test("delete artifact: No Content; the tasks of its jobs keep the original program", async () => {
    const pinned = artifact("mapper");
    const deletion = `curl --request DELETE --location '${artifacts}/mapper' ${json}`;
    expect(await sample(deletion)).toMatchObject({ status: 204, text: "" });
    expect(await sample(deletion)).toMatchObject({
      status: 404,
      body: { type: "urn:edgefold:problem:unknown-artifact" },
    });
    expect(await sample(`curl --location '${artifacts}/mapper' ${json}`)).toMatchObject({ status: 404 });
    const left = await sample(`curl --location '${artifacts}' ${json}`);
    expect(left.body).toMatchObject([{ name: "sleeper" }, artifact("reducer")]);
    const all = await edgefold.listJobs();
    const tasks = await edgefold.tasks(all.at(-1)?.id ?? "");
    expect(tasks.map(({ program }) => program)).toEqual([artifact("reducer"), pinned]);
  });
});
