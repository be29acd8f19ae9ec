import { formatAddress, parseInput } from "../../../shared/address.ts";
import type { Result } from "../../../shared/protocol/tasks.ts";
import { listInputs } from "../../storage/inputs.ts";
import { probeOutput } from "./probe.ts";
import type { Task, TaskRun } from "./task-run.ts";

/** Objects in one page of the listing. */
const pageSize = 1000;

/** Checks that the output can be written and lists the input, before anything is computed. */
export const runPlan = async (task: Task<"plan">, run: TaskRun): Promise<Result> => {
  const { job } = run;
  await probeOutput(task, run);
  let page: { path: string; size: number; etag: string }[] = [];
  let pages = 0;
  let sending: Promise<unknown> = Promise.resolve();
  /** Sends a page. While it is in transit, the next one is listed. */
  const send = async (): Promise<void> => {
    await sending;
    sending = run.ask({ kind: "planned", attempt: task.attempt, page: pages++, objects: page }, "done");
    sending.catch(() => undefined);
    page = [];
  };
  for await (const { address, size, etag } of listInputs(run.input, parseInput(job.input.path, job.useSSL))) {
    page.push({ path: formatAddress(address), size, etag });
    if (page.length === pageSize) await send();
  }
  if (page.length > 0) await send();
  await sending;
  return { kind: "plan" };
};
