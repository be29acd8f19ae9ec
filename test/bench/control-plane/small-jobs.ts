import type { Edgefold } from "../../helpers/edgefold.ts";
import { allCompleted, postJobs } from "../../helpers/loads.ts";
import { noopJob, startNoopAgent } from "../../helpers/noop/noop-agent.ts";
import { useOfWorkerd } from "../../helpers/workerd.ts";
import type { Figure } from "../figure.ts";

const [few, many] = [10, 1000];
/** For each job. */
const [maps, reduces, runners] = [3, 1, 2];

/** Many small jobs, not all at once: the memory that each leaves in use. */
export const measureSmallJobs = async (edgefold: Edgefold): Promise<Figure[]> => {
  const agent = await startNoopAgent(edgefold, runners);
  const run = async (jobs: number): Promise<number> => {
    // In batches.
    for (let left = jobs; left > 0; left -= few) {
      const { ids } = await postJobs(edgefold, few, noopJob(edgefold, maps, reduces), "at once");
      await allCompleted(edgefold, ids);
    }
    return useOfWorkerd(edgefold).memory.now;
  };
  try {
    const before = await run(few);
    const begin = performance.now();
    const after = await run(many - few);
    return [
      { what: `${many} small jobs, ${few} at a time`, value: (performance.now() - begin) / 1000, unit: "s" },
      { what: `memory after ${few} small jobs`, value: before, unit: "MiB" },
      { what: `more of it after ${many}`, value: after - before, unit: "MiB", goal: 150 },
    ];
  } finally {
    await agent.stop();
  }
};
