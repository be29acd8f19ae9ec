import type { Edgefold } from "../../helpers/edgefold.ts";
import { allCompleted } from "../../helpers/loads.ts";
import { noopJob, startNoopAgent } from "../../helpers/noop/noop-agent.ts";
import { useOfWorkerd } from "../../helpers/workerd.ts";
import type { Figure } from "../figure.ts";

const maps = 20_000;
const runners = 8;

/** A job with many maps: the cost of a task. */
export const measureManyTasks = async (edgefold: Edgefold): Promise<Figure[]> => {
  const agent = await startNoopAgent(edgefold, runners);
  try {
    // The first job runs code that is not compiled yet.
    await allCompleted(edgefold, [(await edgefold.post(noopJob(edgefold, 500, 1))).id]);
    const before = useOfWorkerd(edgefold);
    const { id } = await edgefold.post(noopJob(edgefold, maps, 1));
    const [job] = await allCompleted(edgefold, [id]);
    const after = useOfWorkerd(edgefold);
    const seconds = ((job?.endTime ?? NaN) - (job?.startTime ?? NaN)) / 1000;
    return [
      { what: `job of ${maps} maps`, value: seconds, unit: "s" },
      { what: "claims a second", value: maps / seconds, unit: "1/s" },
      { what: "processor time a task", value: (after.processorMs - before.processorMs) / maps, unit: "ms", goal: 3 },
    ];
  } finally {
    await agent.stop();
  }
};
