import { parseAddress } from "../../../shared/address.ts";
import { outputFolder } from "../../../shared/outputs.ts";
import type { Result } from "../../../shared/protocol/tasks.ts";
import { inParallel } from "../../parallel.ts";
import { removeFolder } from "./remove-folder.ts";
import type { Task, TaskRun } from "./task-run.ts";

/** Removes what the job has left behind: uploads that nobody will complete, the shuffle, and outputs that do not count. */
export const runClean = async (task: Task<"clean">, run: TaskRun): Promise<Result> => {
  const { output, useSSL, jobId } = run.job;
  const outputs = outputFolder(output.path, useSSL, jobId);
  await abortUploads(task, run);
  await run.output.abortUploads(outputs);
  await run.shuffle.remove();
  if (task.removeOutputs) await removeFolder(run.output, outputs);
  return { kind: "done", lost: [] };
};

/** Aborts the uploads that the job knows of. Not every store can list them. */
const abortUploads = async (task: Task<"clean">, run: TaskRun): Promise<void> => {
  for (let after: number | null = 0; after !== null;) {
    const page: { uploads: { path: string; uploadId: string }[]; nextAfter: number | null } = await run.ask(
      { kind: "uploads", attempt: task.attempt, after },
      "uploads",
    );
    await inParallel(page.uploads, async ({ path, uploadId }) => {
      await run.output.abortUpload(parseAddress(path, run.job.useSSL), uploadId);
    });
    after = page.nextAfter;
  }
};
