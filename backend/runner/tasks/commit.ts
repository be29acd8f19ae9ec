import { joinAddress, parseAddress } from "../../../shared/address.ts";
import { outputFolder } from "../../../shared/outputs.ts";
import type { Result } from "../../../shared/protocol/tasks.ts";
import { inParallel } from "../../parallel.ts";
import type { Task, TaskRun } from "./task-run.ts";

/** The parts of a task's run that committing outputs needs. */
type WritingRun = Pick<TaskRun, "job" | "output">;

/**
 * Makes a batch of outputs visible: completes each upload and writes each empty output. Outputs that an earlier attempt has made
 * visible stay visible.
 */
export const runCommit = async (task: Task<"commit">, run: WritingRun): Promise<Result> => {
  const lost: number[] = [];
  await inParallel(task.outputs, async ({ index, path, uploadId, tags, attempt }) => {
    const at = parseAddress(path, run.job.useSSL);
    if (tags.length === 0) await run.output.put(at, new Uint8Array());
    else if ((await run.output.completeUpload(at, uploadId, tags, attempt)) === "lost") lost.push(index);
  });
  return { kind: "done", lost };
};

/** Writes `_SUCCESS`, which marks the output as complete. */
export const runSuccess = async (run: WritingRun): Promise<Result> => {
  const { output, useSSL, jobId } = run.job;
  await run.output.put(joinAddress(outputFolder(output.path, useSSL, jobId), "_SUCCESS"), new Uint8Array());
  return { kind: "done", lost: [] };
};
