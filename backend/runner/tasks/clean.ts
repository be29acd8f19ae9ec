import { parseAddress, type Address } from "../../../shared/address.ts";
import { outputFolder, shuffleFolder } from "../../../shared/outputs.ts";
import type { Result } from "../../../shared/messages.ts";
import type { Store } from "../../storage/store.ts";
import { inParallel } from "./parallel.ts";
import type { Task, TaskRun } from "./task-run.ts";

/** Objects removed by one request. */
const batchSize = 1000;

/** Removes what the job has left behind: uploads that nobody will complete, the shuffle, and outputs that do not count. */
export const runClean = async (task: Task<"clean">, run: TaskRun): Promise<Result> => {
  const { output, useSSL, jobId } = run.job;
  await abortUploads(task, run);
  await removeAll(run.output, shuffleFolder(output.path, useSSL, jobId));
  if (task.removeOutputs) await removeAll(run.output, outputFolder(output.path, useSSL, jobId));
  return { kind: "done", lost: [] };
};

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

const removeAll = async (store: Store, folder: Address): Promise<void> => {
  let batch: Address[] = [];
  for await (const { address } of store.list(folder)) {
    batch.push(address);
    if (batch.length < batchSize) continue;
    await store.remove(batch);
    batch = [];
  }
  // The folder itself too: where folders are real, abandoned uploads lie in it.
  await store.remove([...batch, folder]);
};
