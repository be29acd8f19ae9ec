import { runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { isEnded } from "../../../shared/status.ts";
import { eventually } from "../eventually.ts";
import { outlive, work, type JobFixture, type Runner } from "../job-fixture.ts";

/** The current instance of an object. It changes if an exception ends the instance. */
export const instanceOf = async (job: JobFixture): Promise<unknown> =>
  await runInDurableObject(job.stub, (instance) => instance);

/** Lets a correct runner complete the job, without waiting for leases and pauses to end. */
export const finish = async (job: JobFixture, runner: Runner): Promise<void> => {
  await eventually(async () => {
    await outlive(job);
    await job.query("UPDATE task SET not_before = 1, row = json_set(row, '$.notBefore', 1)");
    await Promise.race([work(runner), runner.closed]);
    expect(isEnded((await job.describe()).status)).toBe(true);
  });
};
