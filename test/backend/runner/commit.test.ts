import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { joinAddress, parseAddress, withKey, type Address } from "../../../shared/address.ts";
import { outputFolder } from "../../../shared/outputs.ts";
import { runCommit } from "../../../backend/runner/tasks/commit.ts";
import { removeFolder } from "../../../backend/runner/tasks/remove-folder.ts";
import { writeOutput } from "../../../backend/runner/tasks/output.ts";
import type { Task, TaskRun } from "../../../backend/runner/tasks/task-run.ts";
import { openStore } from "../../../backend/storage/open.ts";
import type { Store } from "../../../backend/storage/store.ts";
import { reply, startFaultServer, type FaultServer } from "../storage/fault-server.ts";
import { runnerJob } from "./runner-job.ts";

const program = { size: 1, hash: "h" };
let root: string;
let server: FaultServer;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "edgefold-commit-"));
  server = await startFaultServer();
});
afterEach(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

/** A run of a job with its output at `path`, and the requests of its tasks to the job. */
const runAt = (path: string) => {
  const asked: string[] = [];
  const store: Store = openStore({ fileRoots: [root] });
  const run: Pick<TaskRun, "job" | "output" | "ask"> = {
    job: { ...runnerJob(program), output: { path } },
    output: store,
    ask: (request) => {
      asked.push(request.kind);
      return Promise.reject(new Error("an empty output has nothing to ask"));
    },
  };
  const part = joinAddress(outputFolder(path, false, run.job.jobId), "part-r-00000");
  return { run, part, asked };
};

const commitOf = async (run: Pick<TaskRun, "output" | "ask">, part: Address): Promise<Task<"commit">> => {
  const result = await writeOutput("j.reduce-0.1", part, run, async () => undefined);
  if (result.kind !== "output") throw new Error("a reduce has an output");
  const { path, uploadId, tags } = result.output;
  const outputs = [{ index: 0, attempt: "j.reduce-0.1", path, uploadId, tags }];
  return { kind: "commit", taskId: "j.commit-0", attempt: "j.commit-0.1", index: 0, outputs };
};

describe("an empty output", () => {
  test("takes a single request, in its commit, which may be repeated", async () => {
    const { run, part, asked } = runAt(`${server.at.endpoint}/bucket/out`);
    const commit = await commitOf(run, part);
    expect([asked, server.asked]).toEqual([[], []]);
    server.replies.push(reply(200), reply(200));
    for (let times = 0; times < 2; times++) expect(await runCommit(commit, run)).toEqual({ kind: "done", lost: [] });
    expect(server.asked).toEqual(["PUT /bucket/out/j/part-r-00000", "PUT /bucket/out/j/part-r-00000"]);
    expect(server.headers[0]).toMatchObject({ "content-length": "0" });
  });

  test("in files appears with its commit, and leaves nothing else behind", async () => {
    const { run, part } = runAt(`file://${root}/out`);
    const commit = await commitOf(run, part);
    expect(await readdir(root)).toEqual([]);
    for (let times = 0; times < 2; times++) expect(await runCommit(commit, run)).toEqual({ kind: "done", lost: [] });
    expect(await run.output.head(part)).toMatchObject({ address: part, size: 0 });
    expect(await readdir(join(root, "out/j"))).toEqual(["part-r-00000"]);
  });

  test("of a runner that sent an empty part is committed too", async () => {
    const { run, part } = runAt(`file://${root}/out`);
    const uploadId = await run.output.createUpload(part, "j.reduce-0.1");
    const tag = await run.output.uploadPart(part, uploadId, 1, new Uint8Array());
    const commit = await commitOf(run, part);
    const outputs = commit.outputs.map((output) => ({ ...output, uploadId, tags: [tag] }));
    expect(await runCommit({ ...commit, outputs }, run)).toEqual({ kind: "done", lost: [] });
    expect(await run.output.head(part)).toMatchObject({ size: 0 });
    expect(parseAddress(outputs[0]?.path ?? "", false)).toEqual(part);
  });
});

const listing = (keys: string): string =>
  `<ListBucketResult><IsTruncated>false</IsTruncated>${keys}</ListBucketResult>`;

describe("removing a folder", () => {
  test("removes what is listed, and no more", async () => {
    const { run, part } = runAt(`${server.at.endpoint}/bucket/out`);
    const found = "<Contents><Key>out/j/part-r-00000</Key><Size>0</Size><ETag>e</ETag></Contents>";
    server.replies.push(reply(200, listing("")), reply(200, listing(found)), reply(200, "<DeleteResult/>"));
    for (let times = 0; times < 2; times++) await removeFolder(run.output, withKey(part, "out/j/"));
    expect(server.asked.map((asked) => asked.split("?")[0])).toEqual(["GET /bucket", "GET /bucket", "POST /bucket"]);
    expect(server.bodies[2]).toContain("<Object><Key>out/j/part-r-00000</Key></Object></Delete>");
  });
});
