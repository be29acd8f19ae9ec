import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sendSignal } from "../../backend/process-groups.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { killWorker, programsOf, runnersOf } from "../helpers/processes.ts";
import { S3Proxy } from "../helpers/s3-proxy.ts";
import { StagedJob } from "../helpers/staged-job.ts";
import { untilNone } from "../helpers/until.ts";

/* Leases that end, or are kept, while nothing else reveals a failure. */

/** Shorter than the default heartbeat interval, so that the runners have to adapt theirs. */
const leaseSeconds = 6;

let edgefold: Edgefold;
let proxy: S3Proxy;

beforeAll(async () => {
  edgefold = await Edgefold.start({ env: { LEASE_SECONDS: String(leaseSeconds), RUNNERS: "2" } });
  proxy = await S3Proxy.start(edgefold.port);
});

afterAll(async () => {
  await edgefold?.stop();
  await proxy?.stop();
});

it("an attempt can take longer than a lease while its runner is alive", async () => {
  const job = await StagedJob.post(edgefold, proxy, ["m-2-1", "m-4-1"]);
  await job.paused({ maps: 2, reduces: 0 });
  await sleep(2.2 * leaseSeconds * 1000);
  job.stage.release();
  await job.expectCompleted();
});

it("runners end their attempts by themselves when the Worker is unreachable for a lease", async () => {
  const job = await StagedJob.post(edgefold, proxy, ["m-2-1", "m-4-1"]);
  await job.paused({ maps: 2, reduces: 0 });
  const runners = runnersOf(job.id);
  expect(runners).toHaveLength(2);
  await killWorker(edgefold);
  await untilNone("programs of runners without a Worker", () => programsOf(job.id));
  // The runners themselves are still running, and resume the job.
  expect(runnersOf(job.id)).toEqual(runners);
  await edgefold.startWorker();
  await job.expectCompleted(["m-2-2", "m-4-2"]);
});

it("the task of a hung runner goes to another one, and late reports of the first do not count", async () => {
  const job = await StagedJob.post(edgefold, proxy, ["m-2-1"]);
  await job.paused({ maps: 5, reduces: 0 });
  const hanging = await job.runnerOf("m-2");
  job.stage.hold("r-0-1");
  sendSignal(hanging, "SIGSTOP");
  // Its program has finished, and the runner would report that as soon as it continues.
  job.stage.release("m-2-1");
  await job.paused({ maps: 6, reduces: 0 });
  sendSignal(hanging, "SIGCONT");
  // The other runner is held at the first reduce, so this one runs the other two.
  await edgefold.waitFor(job.id, ({ progress }) => progress.reduces.completed === 2);
  job.stage.release();
  await job.expectCompleted(["m-2-2"]);
});
