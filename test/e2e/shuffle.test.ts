import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Edgefold } from "../helpers/edgefold.ts";
import { S3Proxy } from "../helpers/s3-proxy.ts";
import { StagedJob } from "../helpers/staged-job.ts";

/* Both locations of the shuffle: a map output that is lost there before it is read is computed again. */

let edgefold: Edgefold;
let proxy: S3Proxy;

const start = async (shuffle: Record<string, string>): Promise<void> => {
  edgefold = await Edgefold.start({ env: { RUNNERS: "2", ...shuffle } });
  proxy = await S3Proxy.start(edgefold.port);
};

const stop = async (): Promise<void> => {
  await edgefold?.stop();
  await proxy?.stop();
};

/** A job paused in its last map, with the outputs of the others stored. */
const mapped = async (): Promise<StagedJob> => {
  const job = await StagedJob.post(edgefold, proxy, ["m-5-1"]);
  await job.paused({ maps: 5, reduces: 0 });
  return job;
};

const outputs = ["m-0-1", "m-1-1", "m-2-1", "m-3-1", "m-4-1"];

describe("in a local directory, the default", () => {
  beforeAll(async () => start({}));
  afterAll(stop);

  it("a corrupted map output is computed again", async () => {
    const job = await mapped();
    const folder = join(edgefold.stateDir, "agent/shuffle", job.id);
    expect(readdirSync(folder).filter((name) => outputs.includes(name))).toEqual(outputs);
    const damaged = readFileSync(join(folder, "m-1-1"));
    damaged[20] = (damaged[20] ?? 0) ^ 1;
    writeFileSync(join(folder, "m-1-1"), damaged);
    job.stage.release();
    // The first reduce can report the loss again, for another partition, before the map has run again.
    await edgefold.completed(job.id);
    expect(job.stage.runs.filter((run) => run.startsWith("m-"))).toEqual([...outputs, "m-1-2", "m-5-1"].sort());
    expect((await job.outputs()).map(String)).toEqual(job.expected);
  });
});

describe("in the output store of the job", () => {
  beforeAll(async () => start({ SHUFFLE: "store" }));
  afterAll(stop);

  it("a deleted map output is computed again", async () => {
    const job = await mapped();
    const folders = [`.edgefold/${job.id}`, ...[1, 2, 3, 4].map((map) => `.edgefold/${map}/${job.id}`)];
    const keys = outputs.map((name, map) => `${folders[map]}/${name}`);
    expect(new Set(await job.shuffleKeys())).toEqual(new Set(keys));
    await edgefold.store.remove([edgefold.at(`reducers/.edgefold/1/${job.id}/m-1-1`)]);
    job.stage.release();
    await edgefold.completed(job.id);
    expect(job.stage.runs.filter((run) => run.startsWith("m-"))).toEqual([...outputs, "m-1-2", "m-5-1"].sort());
    expect((await job.outputs()).map(String)).toEqual(job.expected);
  });

  it("a runner reads neighbouring partitions together", async () => {
    const lines = Array.from({ length: 4000 }, (_, n) => `key ${(n * 7919) % 4000}\t${n}\n`);
    const { id } = await edgefold.post({
      inputPath: await edgefold.put("data/neighbours.txt", lines.join("")),
      outputPath: `${proxy.endpoint}/reducers`,
      mapperName: "identity",
      reducerName: "identity",
      nReducers: 32,
      splitSize: Math.ceil(lines.join("").length / 4),
      parallelism: 1,
    });
    const job = await edgefold.completed(id);
    const text = (await edgefold.outputsOf(job)).map(String).join("");
    expect(text.split("\n").toSorted()).toEqual(lines.join("").split("\n").toSorted());
    // Partitions come in blocks of 16, each of which is one range of the output of each of the four maps.
    expect(proxy.reads.filter((path) => path.includes(`${id}/m-`))).toHaveLength(2 * 4);
  });
});
