import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseAddress } from "../../../shared/address.ts";
import type { RunnerAnswer } from "../../../shared/protocol/runner.ts";
import { shuffleFolders } from "../../../shared/outputs.ts";
import { runPlan } from "../../../backend/runner/tasks/plan.ts";
import { probeOutput } from "../../../backend/runner/tasks/probe.ts";
import type { Task } from "../../../backend/runner/tasks/task-run.ts";
import { openStore } from "../../../backend/storage/open.ts";
import type { Store } from "../../../backend/storage/store.ts";
import { startS3Endpoint } from "../../helpers/s3-endpoint.ts";
import { all } from "../storage/bytes.ts";
import { error, reply, startFaultServer, type FaultServer, type Reply } from "../storage/fault-server.ts";
import { runnerJob } from "./runner-job.ts";

const jobId = "0190a0a0-0000-7000-8000-000000000000";
const task: Task<"plan"> = { kind: "plan", taskId: "j.plan", attempt: "j.plan.1", index: 0 };

const isDone = <Kind extends RunnerAnswer["kind"]>(
  answer: RunnerAnswer,
  kind: Kind,
): answer is Extract<RunnerAnswer, { kind: Kind }> => answer.kind === kind;

/** A run that probes `path`, and its messages to the job. */
const runAt = (path: string, shuffle: "store" | "local", options: Partial<Parameters<typeof openStore>[0]> = {}) => {
  const told: unknown[] = [];
  const folder = shuffle === "store" ? shuffleFolders(path, false, jobId)[0] : undefined;
  const run: Parameters<typeof probeOutput>[1] = {
    job: { ...runnerJob({ size: 1, hash: "h" }), jobId, output: { path } },
    output: openStore({ fileRoots: [], ...options }),
    shuffle: { folder },
    ask: async (request, kind) => {
      told.push(request);
      const answer: RunnerAnswer = { kind: "done", re: 0 };
      if (!isDone(answer, kind)) throw new Error("the probe asks for nothing");
      return answer;
    },
  };
  return { run, told };
};

const xml: Readonly<Record<string, string>> = {
  "?uploads": "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
  "?list-type": "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
  "?delete": "<DeleteResult/>",
};

const forever = (): Promise<never> => new Promise(() => undefined);
const listForever: Store["list"] = async function* () {
  yield await forever();
};

describe("the probe of a job's output", () => {
  let server: FaultServer;
  /** Answers each request like a store that allows everything except what `denied` matches. */
  const answer = (denied: (asked: string) => boolean = () => false): void => {
    const each: Reply = (response, request) => {
      const asked = `${request.method} ${request.url}`;
      if (denied(asked)) error(403, "AccessDenied")(response, request);
      else reply(200, Object.entries(xml).find(([query]) => asked.includes(query))?.[1])(response, request);
    };
    server.replies.push(...Array.from({ length: 50 }, () => each));
  };
  beforeEach(async () => {
    server = await startFaultServer();
  });
  afterEach(() => server.close());

  test.each([
    ["local", 7],
    ["store", 12],
  ] as const)("with a %s shuffle takes %d requests", async (shuffle, count) => {
    answer();
    const { run, told } = runAt(`${server.at.endpoint}/bucket/out`, shuffle);
    await probeOutput(task, run);
    expect(server.asked).toHaveLength(count);
    expect(told).toEqual([expect.objectContaining({ kind: "upload", uploadId: "u" })]);
  });

  test.each([
    ["s3:PutObject", (asked: string) => asked.startsWith(`POST /bucket/out/${jobId}/_SUCCESS?uploads`)],
    ["s3:PutObject", (asked: string) => asked.startsWith("PUT /bucket/.edgefold/")],
    ["s3:AbortMultipartUpload", (asked: string) => asked.startsWith(`DELETE /bucket/out/${jobId}/_SUCCESS?uploadId=u`)],
    ["s3:ListBucket", (asked: string) => asked.includes("prefix=out")],
    ["s3:ListBucket", (asked: string) => asked.includes("prefix=.edgefold")],
    ["s3:DeleteObject", (asked: string) => asked.includes("?delete")],
    ["s3:GetObject", (asked: string) => asked.startsWith(`GET /bucket/.edgefold/${jobId}/.probe`)],
  ])("says that %s is missing", async (permission, denied) => {
    answer(denied);
    const { run } = runAt(`${server.at.endpoint}/bucket/out`, "store");
    await expect(probeOutput(task, run)).rejects.toMatchObject({
      code: "AccessDenied",
      class: "refused",
      message: expect.stringMatching(new RegExp(`because of AccessDenied .*must allow ${permission} there$`)),
    });
    const [put, removed] = ["PUT ", "POST /bucket?delete"].map(
      (asked) => server.asked.filter((each) => each.startsWith(asked)).length,
    );
    // nothing is written that cannot be removed
    expect(removed).toBeGreaterThanOrEqual(permission === "s3:DeleteObject" ? 0 : (put ?? 0));
    if (permission === "s3:DeleteObject") expect(put).toBe(0);
  });

  test("reports problems other than permissions in the store's words only", async () => {
    server.replies.push(...Array.from({ length: 9 }, () => error(403, "SignatureDoesNotMatch")));
    const { run } = runAt(`${server.at.endpoint}/bucket/out`, "store");
    await expect(probeOutput(task, run)).rejects.toMatchObject({
      code: "SignatureDoesNotMatch",
      message: expect.stringMatching(/\(SignatureDoesNotMatch\)$/),
    });
  });

  test("works if the store cannot list uploads or remove in batches, may be repeated, and leaves nothing behind", async () => {
    const { endpoint, accessKeyId, secretAccessKey, close } = await startS3Endpoint({ buckets: ["data"] });
    try {
      const credentials = { username: accessKeyId, password: secretAccessKey };
      const { run } = runAt(`${endpoint}/data/out`, "store", { credentials });
      for (let times = 0; times < 2; times++) await probeOutput(task, run);
      expect(await all(run.output.list(parseAddress(`${endpoint}/data`, false)))).toEqual([]);
    } finally {
      await close();
    }
  });

  test("fails a plan at once, whatever the input does", async () => {
    answer(() => true);
    const { run } = runAt(`${server.at.endpoint}/bucket/out`, "store");
    await expect(
      runPlan(task, { ...run, input: { ...run.output, head: forever, list: listForever } }),
    ).rejects.toMatchObject({
      code: "AccessDenied",
    });
  });

  test("leaves nothing behind in files", async () => {
    const root = await mkdtemp(join(tmpdir(), "edgefold-probe-"));
    try {
      const { run } = runAt(`file://${root}/out`, "store", { fileRoots: [root] });
      for (let times = 0; times < 2; times++) await probeOutput(task, run);
      expect(await readdir(join(root, "out"))).toEqual([]);
    } finally {
      await rm(root, { recursive: true });
    }
  });
});
