import { mapResult, Runner, specOf, type MeasuredJob } from "./job.ts";

const maps = 1000;
/** The maps that are counted: later ones, since other things happen during the first. */
const [from, to] = [100, 900];

/** The storage cost of a map's claim and completion, which are one message. */
export const measureTasks = async (job: MeasuredJob) => {
  await job.create(specOf({}), Infinity);
  const runner = new Runner(job, "runner");
  await runner.hello();
  let task = await runner.plan(maps);
  for (let n = 0; n < from && task !== undefined; n++) task = await runner.complete(task, mapResult(task, 1));
  const before = job.meter.work();
  for (let n = from; n < to && task !== undefined; n++) task = await runner.complete(task, mapResult(task, 1));
  const after = job.meter.work();
  if (task?.kind !== "map") throw new Error("there were not enough maps");
  const each = (what: keyof typeof after): number => (after[what] - before[what]) / (to - from);
  return { statements: each("statements"), rowsWritten: each("rowsWritten"), jobReads: each("jobReads") };
};
