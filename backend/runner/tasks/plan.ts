import { formatAddress, parseInput } from "../../../shared/address.ts";
import type { Result } from "../../../shared/protocol/tasks.ts";
import { listInputs } from "../../storage/inputs.ts";
import { probeOutput, type ProbingRun } from "./probe.ts";
import type { Task, TaskRun } from "./task-run.ts";

/** Objects in one page of the listing. */
const pageSize = 1000;

/** The parts of a task's run that a plan needs. */
type PlanningRun = ProbingRun & Pick<TaskRun, "input">;

/** Checks that the output can be written and lists the input, before anything is computed. */
export const runPlan = async (task: Task<"plan">, run: PlanningRun): Promise<Result> => {
  const { job } = run;
  const inputs = listInputs(run.input, parseInput(job.input.path, job.useSSL));
  // A distant store takes its time for the first page: it is under way while the output is probed.
  const first = inputs.next();
  first.catch(() => undefined);
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
  await probeOutput(task, run);
  try {
    for (let next = await first; next.done !== true; next = await inputs.next()) {
      const { address, size, etag } = next.value;
      page.push({ path: formatAddress(address), size, etag });
      if (page.length === pageSize) await send();
    }
  } finally {
    await inputs.return(undefined);
  }
  if (page.length > 0) await send();
  await sending;
  return { kind: "plan" };
};
