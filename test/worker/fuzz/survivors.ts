import { runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { isEnded } from "../../../shared/status.ts";
import { eventually } from "../eventually.ts";
import { outlive, work, type JobFixture, type Runner } from "../job-fixture.ts";

/** Tells objects apart: one that an exception has ended is followed by another one. */
export const instanceOf = async (job: JobFixture): Promise<unknown> =>
  await runInDurableObject(job.stub, (instance) => instance);

/** Lets a good runner do what is left to do, without waiting for leases and pauses to be over. */
export const finish = async (job: JobFixture, runner: Runner): Promise<void> => {
  await eventually(async () => {
    await outlive(job);
    await job.query("UPDATE task SET not_before = 1, row = json_set(row, '$.notBefore', 1)");
    await Promise.race([work(runner), runner.closed]);
    expect(isEnded((await job.describe()).status)).toBe(true);
  });
};
