import type { Edgefold } from "../../helpers/edgefold.ts";
import { allCompleted } from "../../helpers/loads.ts";
import { noopJob, startNoopAgent } from "../../helpers/noop/noop-agent.ts";
import { useOfWorkerd } from "../../helpers/workerd.ts";
import type { Figure } from "../figure.ts";

const maps = 10_000;
const reduces = 1000;
const runners = 8;

/** A job with a shuffle as wide as that of a terabyte: the cost of its index. */
export const measureWideShuffle = async (edgefold: Edgefold): Promise<Figure[]> => {
  const agent = await startNoopAgent(edgefold, runners);
  try {
    const before = useOfWorkerd(edgefold);
    const { id } = await edgefold.post(noopJob(edgefold, maps, reduces));
    const [job] = await allCompleted(edgefold, [id]);
    const { processorMs } = useOfWorkerd(edgefold);
    const seconds = ((job?.endTime ?? NaN) - (job?.startTime ?? NaN)) / 1000;
    return [
      { what: `job of ${maps} maps × ${reduces} reduces`, value: seconds, unit: "s" },
      { what: "processor time of the whole job", value: (processorMs - before.processorMs) / 1000, unit: "s" },
    ];
  } finally {
    await agent.stop();
  }
};
