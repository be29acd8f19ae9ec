import type { Edgefold } from "../../helpers/edgefold.ts";
import { allCompleted } from "../../helpers/loads.ts";
import { noopJob, startNoopAgent } from "../../helpers/noop/noop-agent.ts";
import { useOfWorkerd } from "../../helpers/workerd.ts";
import { percentile, type Figure } from "../figure.ts";

/** The largest number for which each start and success is an event. */
const maps = 990;
const runners = 8;
const watchers = 100;
const rounds = 5;

/** Reads the events of a job to the end. */
const watch = async (edgefold: Edgefold, id: string): Promise<void> => {
  const answer = await fetch(`${edgefold.url}/api/v1/jobs/${id}/events`);
  if (answer.status !== 200) throw new Error(`GET events: ${answer.status} ${await answer.text()}`);
  await answer.body?.pipeTo(new WritableStream());
};

/** Jobs with one watcher and with many, in turn: the processor time that the Worker's whole process uses for each. */
export const measureWatchers = async (edgefold: Edgefold): Promise<Figure[]> => {
  const agent = await startNoopAgent(edgefold, runners);
  const run = async (count: number): Promise<number> => {
    const before = useOfWorkerd(edgefold);
    const { id } = await edgefold.post(noopJob(edgefold, maps, 1));
    await Promise.all([allCompleted(edgefold, [id]), ...Array.from({ length: count }, () => watch(edgefold, id))]);
    return useOfWorkerd(edgefold).processorMs - before.processorMs;
  };
  try {
    const [one, many]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      one.push(await run(1));
      many.push(await run(watchers));
    }
    const [alone, together] = [percentile(one, 0.5), percentile(many, 0.5)];
    return [
      { what: `job of ${maps} maps that one watches: processor time a task`, value: alone / maps, unit: "ms" },
      { what: `that ${watchers} watch: as many times as much`, value: together / alone, unit: "", goal: 2 },
    ];
  } finally {
    await agent.stop();
  }
};
