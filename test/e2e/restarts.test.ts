import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sendSignal } from "../../backend/process-groups.ts";
import { Edgefold } from "../helpers/edgefold.ts";
import { killAgent, killWorker, onlyRunnerOf, runnersGone } from "../helpers/processes.ts";
import { S3Proxy, type Held } from "../helpers/s3-proxy.ts";
import { outputNames, StagedJob } from "../helpers/staged-job.ts";

/*
 * `kill -9` of every part in every phase. The lease is longer than any test, so abandoned work must be resumed because the
 * failure is detected, not because a lease ends.
 */

let edgefold: Edgefold;
let proxy: S3Proxy;

beforeAll(async () => {
  edgefold = await Edgefold.start({ env: { LEASE_SECONDS: "200", RUNNERS: "2", SHUFFLE: "store" } });
  proxy = await S3Proxy.start(edgefold.port);
});

afterAll(async () => {
  await edgefold?.stop();
  await proxy?.stop();
});

const restartWorker = async (): Promise<void> => {
  await killWorker(edgefold);
  await edgefold.startWorker();
};

/** The agent's runners notice by themselves that it is gone. */
const restartAgent = async (jobId: string): Promise<void> => {
  await killAgent(edgefold);
  await runnersGone(jobId);
  await edgefold.startAgent();
};

const pausedInMapping = async (): Promise<StagedJob> => {
  const job = await StagedJob.post(edgefold, proxy, ["m-2-1", "m-4-1"]);
  await job.paused({ maps: 2, reduces: 0 });
  expect(await job.status()).toBe("mapping");
  return job;
};

const pausedInReducing = async (): Promise<StagedJob> => {
  const job = await StagedJob.post(edgefold, proxy, ["r-0-1", "r-1-1"]);
  await job.paused({ maps: 6, reduces: 0 });
  expect(await job.status()).toBe("reducing");
  return job;
};

describe("with two maps open, two completed and two to come", () => {
  it("a killed Worker costs nothing", async () => {
    const job = await pausedInMapping();
    await restartWorker();
    job.stage.release();
    await job.expectCompleted();
  });

  it("a killed agent costs the open maps", async () => {
    const job = await pausedInMapping();
    await restartAgent(job.id);
    await job.expectCompleted(["m-2-2", "m-4-2"]);
  });

  it("a killed runner costs its map", async () => {
    const job = await pausedInMapping();
    sendSignal(await job.runnerOf("m-2"), "SIGKILL");
    // The other runner is held until the task has been resumed.
    await edgefold.waitFor(job.id, ({ progress }) => progress.maps.completed === 5);
    job.stage.release("m-4-1");
    await job.expectCompleted(["m-2-2"]);
  });
});

describe("with two reduces open and one to come", () => {
  it("a killed Worker costs nothing", async () => {
    const job = await pausedInReducing();
    await restartWorker();
    job.stage.release();
    await job.expectCompleted();
  });

  it("a killed agent costs the open reduces", async () => {
    const job = await pausedInReducing();
    await restartAgent(job.id);
    await job.expectCompleted(["r-0-2", "r-1-2"]);
  });

  it("a killed runner costs its reduce", async () => {
    const job = await pausedInReducing();
    sendSignal(await job.runnerOf("r-0"), "SIGKILL");
    await edgefold.waitFor(job.id, ({ progress }) => progress.reduces.completed === 2);
    job.stage.release("r-1-1");
    await job.expectCompleted(["r-0-2"]);
  });
});

const faults: readonly (readonly [string, (job: StagedJob) => Promise<void>])[] = [
  ["Worker", restartWorker],
  ["agent", (job) => restartAgent(job.id)],
  ["runner", async (job) => sendSignal(onlyRunnerOf(job.id), "SIGKILL")],
];

/** The status codes with which the store answers the completions of the held part. */
const answers: Record<Held, number[]> = {
  request: [200],
  // The first answer is lost; the second one is NoSuchUpload.
  answer: [200, 404],
};

describe.each([
  ["before the store receives it", "request"],
  ["after the store has done it", "answer"],
] as const)("with the completion of an output held back %s", (_, what) => {
  it.each(faults)("a killed %s costs nothing", async (name, fault) => {
    const held = "part-r-00001";
    const others = outputNames.filter((key) => key.startsWith("part-") && key !== held);
    const from = proxy.completions.length;
    const completionsOf = (part: string): number[] =>
      proxy.completions.slice(from).flatMap((completion) => (completion.part === part ? [completion.status] : []));
    const hold = proxy.hold(held, what);
    const job = await StagedJob.post(edgefold, proxy, [], { parallelism: 1 });
    await hold.reached;
    // The other outputs of the batch are already complete, so the retry meets both kinds of uploads.
    await edgefold.waitFor(job.id, () => others.every((part) => completionsOf(part).length > 0));
    expect(await job.status()).toBe("committing");
    expect(await job.outputKeys()).toEqual(what === "answer" ? [...others, held].sort() : others);
    await fault(job);
    // The held request passes only if its runner is still alive.
    if (name === "Worker" && what === "request") hold.pass();
    else hold.lose();
    await job.expectCompleted();
    expect(await job.outputKeys()).toEqual(outputNames);
    expect(completionsOf(held)).toEqual(answers[what]);
  });
});
