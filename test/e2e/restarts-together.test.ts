import { existsSync, readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sendSignal } from "../../backend/process-groups.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { killAgent, killWorker, onlyRunnerOf, processesOf } from "../helpers/processes.ts";
import { S3Proxy } from "../helpers/s3-proxy.ts";
import { bulk, Stage } from "../helpers/stage.ts";
import { outputNames, StagedJob } from "../helpers/staged-job.ts";
import { until, untilNone } from "../helpers/until.ts";

/* Several parts killed together, several running jobs, other stores. As in `restarts.test.ts`, no lease ends meanwhile. */

let edgefold: Edgefold;
let proxy: S3Proxy;
let fileUrl: string;

beforeAll(async () => {
  edgefold = await Edgefold.start({ env: { LEASE_SECONDS: "200", RUNNERS: "2" } });
  proxy = await S3Proxy.start(edgefold.port);
  fileUrl = pathToFileURL(edgefold.files).href;
});

afterAll(async () => {
  await edgefold?.stop();
  await proxy?.stop();
});

const filesBelow = (dir: string): string[] =>
  existsSync(dir)
    ? readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name)
        .sort()
    : [];

const pausedInMapping = async (): Promise<StagedJob> => {
  const job = await StagedJob.post(edgefold, proxy, ["m-2-1", "m-4-1"]);
  await job.paused({ maps: 2, reduces: 0 });
  return job;
};

describe("with two maps open", () => {
  const again = ["m-2-2", "m-4-2"];
  it("the Worker and the agent are killed at the same moment", async () => {
    const job = await pausedInMapping();
    await Promise.all([killWorker(edgefold), killAgent(edgefold)]);
    await edgefold.startWorker();
    await edgefold.startAgent();
    await job.expectCompleted(again);
  });

  it("everything is killed at the same moment", async () => {
    const job = await pausedInMapping();
    for (const pid of processesOf(job.id)) sendSignal(pid, "SIGKILL");
    await Promise.all([killWorker(edgefold), killAgent(edgefold)]);
    await edgefold.startWorker();
    await edgefold.startAgent();
    await job.expectCompleted(again);
  });
});

it("a killed agent resumes both running jobs at once after its restart", async () => {
  const mapping = await StagedJob.post(edgefold, proxy, ["m-1-1"], { parallelism: 1 });
  const reducing = await StagedJob.post(edgefold, proxy, ["r-1-1"], { parallelism: 1 });
  await mapping.paused({ maps: 1, reduces: 0 });
  await reducing.paused({ maps: 6, reduces: 1 });
  await killAgent(edgefold);
  // Its runners can still be running.
  await edgefold.startAgent();
  await Promise.all([mapping.expectCompleted(["m-1-2"]), reducing.expectCompleted(["r-1-2"])]);
});

it("a job that waits for an agent keeps waiting when the Worker is killed", async () => {
  const expectWaiting = async (): Promise<void> => {
    const { conditions } = await edgefold.waitFor(job.id, ({ conditions: found }) => found.length > 0);
    expect(conditions).toMatchObject([{ type: "NoAgent" }]);
    expect(await job.status()).toBe("pending");
  };
  await edgefold.agent?.stop();
  const job = await StagedJob.post(edgefold, proxy);
  await expectWaiting();
  await killWorker(edgefold);
  await edgefold.startWorker();
  await expectWaiting();
  await edgefold.startAgent();
  await job.expectCompleted();
});

describe("in directories", () => {
  it("killed reduces leave only the output", async () => {
    const job = await StagedJob.post(edgefold, proxy, ["r-0-1", "r-1-1"], {
      inputPath: `${fileUrl}/input`,
      outputPath: `${fileUrl}/output`,
    });
    await job.paused({ maps: 6, reduces: 0 });
    sendSignal(await job.runnerOf("r-0"), "SIGKILL");
    await edgefold.waitFor(job.id, ({ progress }) => progress.reduces.completed === 2);
    await killAgent(edgefold);
    await edgefold.startAgent();
    await job.expectCompleted(["r-0-2", "r-1-2"]);
    expect(filesBelow(`${edgefold.files}/output`)).toEqual(outputNames);
  });
});

const killedWhileUploading = async (outputPath: string, begun: (jobId: string) => boolean): Promise<string> => {
  const stage = new Stage(edgefold.dir);
  stage.hold("m-0-1");
  const inputPath = await edgefold.put("data/restarts/line", "a line\n");
  await edgefold.upload("writer.sh", stage.writer);
  const { id } = await edgefold.post({ inputPath, outputPath, mapperName: "writer.sh", nReducers: 0 });
  await stage.held();
  await until("the upload", () => (begun(id) ? true : undefined));
  sendSignal(onlyRunnerOf(id), "SIGKILL");
  const job = await edgefold.completed(id);
  expect((await edgefold.outputsOf(job)).map((part) => part.equals(bulk))).toEqual([true]);
  expect(stage.runs).toEqual(["m-0-1", "m-0-2"]);
  await untilNone("processes of an ended job", () => processesOf(id));
  return id;
};

describe("an upload begun by a killed runner", () => {
  it("is aborted in a store", async () => {
    const id = await killedWhileUploading(proxy.endpoint, (jobId) => proxy.openUploadsOf(jobId).length > 0);
    expect(proxy.openUploadsOf(id)).toEqual([]);
    expect(await edgefold.keysIn("reducers", `${id}/`)).toEqual([`${id}/_SUCCESS`, `${id}/part-m-00000`]);
  });

  it("is removed from a directory", async () => {
    const output = `${edgefold.files}/uploads`;
    await killedWhileUploading(`${fileUrl}/uploads`, (jobId) => filesBelow(`${output}/${jobId}`).length > 0);
    expect(filesBelow(output)).toEqual(["_SUCCESS", "part-m-00000"]);
  });
});
