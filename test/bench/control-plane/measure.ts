import { Edgefold } from "../../helpers/edgefold.ts";
import { useOfWorkerd } from "../../helpers/workerd.ts";
import type { Figure } from "../figure.ts";
import { measureLongIndex } from "./long-index.ts";
import { measureAbsentAgent, measureManyJobs } from "./many-jobs.ts";
import { measureManyTasks } from "./many-tasks.ts";
import { measureObjects } from "./objects.ts";
import { measureSmallJobs } from "./small-jobs.ts";
import { measureUploads } from "./uploads.ts";
import { measureWideShuffle } from "./wide-shuffle.ts";
import { measureWatchers } from "./watchers.ts";

/** The name of this case on the command line. */
export const controlPlane = "control-plane";

/**
 * Loads the Worker's objects one by one, then the whole Worker. The agent and runners are real, but run in this process, and
 * their tasks do nothing. All jobs must complete.
 * @param show called with the figures after each load
 */
export const measureControlPlane = async (show: (figures: readonly Figure[]) => void): Promise<Figure[]> => {
  const all = await measureObjects(show);
  const edgefold = await Edgefold.start({ withoutAgent: true });
  const add = (figures: readonly Figure[]): void => {
    // The peak so far, which can stem from an earlier load.
    const memory = { what: "memory, most so far", value: useOfWorkerd(edgefold).memory.peak, unit: "MiB", goal: 1200 };
    const shown = [...figures, memory];
    show(shown);
    all.push(...shown);
  };
  try {
    await edgefold.upload("noop", "#!is never run");
    // First, since it measures what remains of a job.
    for (const load of [
      measureSmallJobs,
      measureManyTasks,
      measureWideShuffle,
      measureWatchers,
      measureManyJobs,
      measureAbsentAgent,
      measureUploads,
    ])
      add(await load(edgefold));
    add(await measureLongIndex(edgefold));
    return all;
  } finally {
    await edgefold.stop();
  }
};
