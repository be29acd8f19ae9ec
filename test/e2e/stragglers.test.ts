import { afterAll, beforeAll, expect, it } from "vitest";
import { sendSignal } from "../../backend/process-groups.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { processesOf } from "../helpers/processes.ts";
import { S3Proxy } from "../helpers/s3-proxy.ts";
import { StagedJob } from "../helpers/staged-job.ts";
import { untilNone } from "../helpers/until.ts";

let edgefold: Edgefold;
let proxy: S3Proxy;

beforeAll(async () => {
  // No lease ends during these tests.
  edgefold = await Edgefold.start({ env: { LEASE_SECONDS: "600", RUNNERS: "2" } });
  proxy = await S3Proxy.start(edgefold.port);
});

afterAll(async () => {
  await edgefold?.stop();
  await proxy?.stop();
});

it("a job does not wait for a hung runner: another one runs its task, and late reports of the first do not count", async () => {
  const job = await StagedJob.post(edgefold, proxy, ["m-2-1"], { speculation: true });
  await job.stage.held();
  const hanging = await job.runnerOf("m-2");
  sendSignal(hanging, "SIGSTOP");
  await edgefold.completed(job.id);
  expect((await job.outputs()).map(String)).toEqual(job.expected);
  expect(job.stage.runs).toContain("m-2-2");
  job.stage.release();
  sendSignal(hanging, "SIGCONT");
  await untilNone("processes of an ended job", () => processesOf(job.id));
  expect((await edgefold.job(job.id)).counters.user).toEqual({ stage: { begun: 6 } });
  expect(proxy.openUploadsOf(job.id)).toEqual([]);
});
