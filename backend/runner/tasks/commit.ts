import { joinAddress, parseAddress } from "../../../shared/address.ts";
import { outputFolder } from "../../../shared/outputs.ts";
import type { Result } from "../../../shared/messages.ts";
import { inParallel } from "../../parallel.ts";
import type { Task, TaskRun } from "./task-run.ts";

/** Makes a batch of outputs visible, each by completing its upload. What was completed by an earlier attempt stays so. */
export const runCommit = async (task: Task<"commit">, run: TaskRun): Promise<Result> => {
  const lost: number[] = [];
  await inParallel(task.outputs, async ({ index, path, uploadId, tags, attempt }) => {
    const outcome = await run.output.completeUpload(parseAddress(path, run.job.useSSL), uploadId, tags, attempt);
    if (outcome === "lost") lost.push(index);
  });
  return { kind: "done", lost };
};

/** Writes `_SUCCESS`: from here on the output counts as there. */
export const runSuccess = async (run: TaskRun): Promise<Result> => {
  const { output, useSSL, jobId } = run.job;
  await run.output.put(joinAddress(outputFolder(output.path, useSSL, jobId), "_SUCCESS"), new Uint8Array());
  return { kind: "done", lost: [] };
};
