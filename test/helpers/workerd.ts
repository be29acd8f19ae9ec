import { Agent, setGlobalDispatcher } from "undici";
import { groupMembers } from "../../backend/process-groups.ts";
import type { Edgefold } from "./edgefold.ts";
import { commandOf, listeningPorts, memoryOf, processorMs, type Memory } from "./proc.ts";

/** What the Worker's own process has used. */
export type WorkerdUse = { readonly processorMs: number; readonly memory: Memory };

/**
 * The process that runs the Worker with its objects, and the local R2 and S3 endpoint. `wrangler dev` has two of `workerd`: the
 * other one, which listens on the port, only passes requests on, and there is none such where a Worker is deployed.
 */
const workerdOf = ({ worker, port }: Edgefold): number => {
  const pids = groupMembers(worker?.pid ?? -1)
    .map(({ pid }) => pid)
    .filter((pid) => /workerd\0serve\0/.test(commandOf(pid)) && !commandOf(pid).includes(`entry=localhost:${port}`));
  const [pid, ...others] = pids;
  if (pid === undefined || others.length > 0)
    throw new Error(`there is not one workerd for the Worker: ${pids.join()}`);
  return pid;
};

/**
 * Where the Worker's own process listens, for loads. The process in front of it does not bear many requests on a busy machine:
 * a connection between the two may be closed by one just when the other uses it again, and then all of `wrangler dev` ends.
 * That this does not happen here either, this process's requests use no connection twice from now on.
 */
export const directUrl = async (edgefold: Edgefold): Promise<string> => {
  setGlobalDispatcher(new Agent({ pipelining: 0 }));
  // It also listens for debuggers and the like.
  for (const port of listeningPorts(workerdOf(edgefold))) {
    const url = `http://127.0.0.1:${port}`;
    const answer = await fetch(url).catch(() => undefined);
    const text = await answer?.text();
    if (answer?.status === 200 && text?.includes('"name":"edgefold"') === true) return url;
  }
  throw new Error("the Worker's own process does not answer");
};

export const useOfWorkerd = (edgefold: Edgefold): WorkerdUse => {
  const pid = workerdOf(edgefold);
  return { processorMs: processorMs(pid), memory: memoryOf(pid) };
};
