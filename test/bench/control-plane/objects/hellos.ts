import { Runner, specOf, type MeasuredJob } from "./job.ts";

/** A job with so many runners. */
export const linkRunners = async (job: MeasuredJob, runners: number): Promise<Runner[]> => {
  await job.create(specOf({}), Infinity);
  const all = Array.from({ length: runners }, (_, n) => new Runner(job, `runner-${n}`));
  for (const runner of all) await runner.hello();
  return all;
};

/** So many of them dial again. */
export const dialAgain = async (runners: readonly Runner[], count: number): Promise<void> => {
  for (const runner of runners.slice(0, count)) await runner.hello();
};
