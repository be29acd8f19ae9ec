import { mapResult, Runner, specOf, type MeasuredJob } from "./job.ts";

const longest = 4096;

/** A completed job with this many outputs, whose addresses have the maximum length. */
export const createOutputs = async (job: MeasuredJob, outputs: number): Promise<void> => {
  const outputPath = "http://store/out/".padEnd(longest, "x");
  await job.create(specOf({ outputPath }), Infinity);
  const runner = new Runner(job, "runner");
  await runner.hello();
  let task = await runner.plan(1);
  while (task !== undefined) {
    if (task.kind === "map") task = await runner.complete(task, mapResult(task, 1));
    else if (task.kind === "reduce") {
      const output = { path: `${outputPath}/part`, uploadId: "", tags: [], size: 0 };
      task = await runner.complete(task, { kind: "output", output });
    } else task = await runner.complete(task, { kind: "done", lost: [] });
  }
  // Copies of the one reduce: running them all would take a minute.
  job.storage.sql.exec(
    `WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n + 1 < ?)
     INSERT INTO task (kind, idx, status, not_before, winner, row) SELECT kind, n, status, 0, winner, row FROM task, i
     WHERE kind = 'reduce' AND idx = 0`,
    outputs,
  );
};

/** Describes the job this many times. @returns the length of a description in characters */
export const describeOften = async (job: MeasuredJob, times: number): Promise<number> => {
  let length = 0;
  for (let n = 0; n < times; n++) length = JSON.stringify(await job.describe()).length;
  return length;
};

/** Reads all outputs, page by page. @returns the number of pages and of outputs */
export const pageThrough = async (job: MeasuredJob, limit: number): Promise<{ pages: number; outputs: number }> => {
  let [pages, outputs] = [0, 0];
  for (let after: string | undefined = "-1"; after !== undefined; pages++) {
    const read = await job.outputs({ limit, after });
    if (read === null) throw new Error("there is no such job");
    outputs += (await new Response(read.body).json<unknown[]>()).length;
    after = read.next ?? undefined;
  }
  return { pages, outputs };
};
