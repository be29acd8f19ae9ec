import { Runner, specOf, type MeasuredJob } from "./job.ts";

/** Connects this many runners to a job. */
export const linkRunners = async (job: MeasuredJob, runners: number): Promise<Runner[]> => {
  await job.create(specOf({}), Infinity);
  const all = Array.from({ length: runners }, (_, n) => new Runner(job, `runner-${n}`));
  for (const runner of all) await runner.hello();
  return all;
};

/** Reconnects this many of the runners. */
export const dialAgain = async (runners: readonly Runner[], count: number): Promise<void> => {
  for (const runner of runners.slice(0, count)) await runner.hello();
};
