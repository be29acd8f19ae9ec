import { groupMembers } from "../../backend/process-groups.ts";
import type { Edgefold } from "./edgefold.ts";
import { commandOf, memoryOf, processorMs, type Memory } from "./proc.ts";

/** What the Worker's own process has used so far. */
export type WorkerdUse = { readonly processorMs: number; readonly memory: Memory };

/** The process that runs the Worker with its objects, and the local R2 and S3 endpoint. */
const workerdOf = ({ worker }: Edgefold): number => {
  const pids = groupMembers(worker?.pid ?? -1)
    .map(({ pid }) => pid)
    .filter((pid) => /workerd\0serve\0/.test(commandOf(pid)));
  const [pid, ...others] = pids;
  if (pid === undefined || others.length > 0)
    throw new Error(`there is not one workerd for the Worker: ${pids.join()}`);
  return pid;
};

export const useOfWorkerd = (edgefold: Edgefold): WorkerdUse => {
  const pid = workerdOf(edgefold);
  return { processorMs: processorMs(pid), memory: memoryOf(pid) };
};
