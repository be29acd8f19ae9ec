import type { Edgefold } from "../../helpers/edgefold.ts";
import { allCompleted, inFlight, postJobs, type Posted } from "../../helpers/loads.ts";
import { noopJob, startNoopAgent } from "../../helpers/noop/noop-agent.ts";
import { percentile, type Figure } from "../figure.ts";

const jobs = 200;
/** For each job. */
const [maps, reduces, runners] = [10, 2, 2];

const latencies = (what: string, { latencies: values }: Posted): Figure[] => [
  { what: `POST /jobs, ${what}: median`, value: percentile(values, 0.5), unit: "ms" },
  { what: `POST /jobs, ${what}: 99th percentile`, value: percentile(values, 0.99), unit: "ms" },
];

/** Many concurrent jobs. */
export const measureManyJobs = async (edgefold: Edgefold): Promise<Figure[]> => {
  const agent = await startNoopAgent(edgefold, runners);
  try {
    const posted = await postJobs(edgefold, jobs, noopJob(edgefold, maps, reduces), "at once");
    const completed = await allCompleted(edgefold, posted.ids);
    const begin = Math.min(...completed.map(({ startTime }) => startTime));
    const end = Math.max(...completed.map(({ endTime }) => endTime ?? NaN));
    return [
      { what: `${jobs} jobs at once, until all are completed`, value: (end - begin) / 1000, unit: "s" },
      ...latencies(`${inFlight} under way`, posted),
    ];
  } finally {
    await agent.stop();
  }
};

/** Many jobs that wait for an agent. */
export const measureAbsentAgent = async (edgefold: Edgefold): Promise<Figure[]> => {
  const posted = await postJobs(edgefold, jobs, noopJob(edgefold, maps, reduces), "in turn");
  const arrival = Date.now();
  const agent = await startNoopAgent(edgefold, runners);
  try {
    const completed = await allCompleted(edgefold, posted.ids);
    const end = Math.max(...completed.map(({ endTime }) => endTime ?? NaN));
    return [
      ...latencies("in turn", posted),
      { what: `${jobs} waiting jobs, from the agent's arrival`, value: (end - arrival) / 1000, unit: "s" },
    ];
  } finally {
    await agent.stop();
  }
};
