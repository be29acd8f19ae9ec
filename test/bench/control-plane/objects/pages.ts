import { noCounters } from "../../../../shared/counters.ts";
import { jobId, mapResult, Runner, specOf, type MeasuredJob } from "./job.ts";

/** The first attempt of one map in this many fails. */
const failing = 100;

/** A job whose maps are all run; the first attempt of every hundredth fails. */
export const runWithFailures = async (job: MeasuredJob, maps: number): Promise<void> => {
  await job.create(specOf({ maxAttempts: 100 }), Infinity);
  let names = 0;
  let runner = new Runner(job, "runner");
  await runner.hello();
  let task = await runner.plan(maps);
  while (task?.kind === "map") {
    const { attempt, index } = task;
    if (index % failing === 0 && attempt.endsWith("-1")) {
      const error = { code: "ProgramFailed", message: `record ${index} cannot be read`, final: false };
      await runner.ask({ kind: "fail", attempt, error, counters: noCounters });
      // A new runner, since one that fails several tasks in a row is sent away.
      runner = new Runner(job, `runner-${++names}`);
      await runner.hello();
      task = await runner.claim();
    } else task = await runner.complete(task, mapResult(task, 1));
    // Maps are created in pages.
    if (task === undefined) {
      await job.alarm();
      task = await runner.claim();
    }
  }
  if (task?.kind !== "reduce") throw new Error("the maps are not completed");
};

const readBody = async (page: { body: ReadableStream } | "unknown" | null): Promise<void> => {
  if (page === null || page === "unknown") throw new Error("there is no such page");
  await new Response(page.body).text();
};

/** What users look at, in pages of up to 1,000. */
const pages: Record<string, (job: MeasuredJob) => Promise<unknown>> = {
  "newest-tasks": async (job) => await readBody(await job.tasks({ limit: 1000 })),
  "failed-tasks": async (job) => await readBody(await job.tasks({ limit: 1000, status: "failed" })),
  "slowest-tasks": async (job) => await readBody(await job.tasks({ limit: 1000, order: "-duration" })),
  "last-tasks": async (job) => await readBody(await job.tasks({ limit: 1000, order: "-startTime" })),
  events: async (job) => await job.events(0, 1000),
  task: async (job) => await job.task(`${jobId}-m-100`),
  attempts: async (job) => await readBody(await job.attempts(`${jobId}-m-100`, {})),
};

/** Steps that read such a page the given number of times. */
export const pageSteps = Object.fromEntries(
  Object.entries(pages).map(([name, read]) => [
    name,
    async (job: MeasuredJob, times: number) => {
      for (let n = 0; n < times; n++) await read(job);
    },
  ]),
);
