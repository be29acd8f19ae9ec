import { Edgefold } from "../../helpers/edgefold.ts";
import { useOfWorkerd } from "../../helpers/workerd.ts";
import type { Figure } from "../figure.ts";
import { measureLongIndex } from "./long-index.ts";
import { measureAbsentAgent, measureManyJobs } from "./many-jobs.ts";
import { measureManyTasks } from "./many-tasks.ts";
import { measureObjects } from "./objects.ts";
import { measureSmallJobs } from "./small-jobs.ts";
import { measureUploads } from "./uploads.ts";
import { measureWatchers } from "./watchers.ts";

/** What this case is called on the command line. */
export const controlPlane = "control-plane";

/**
 * Loads the Worker's objects one by one, and then the whole Worker, whose agent and runners are real, but in this process, and
 * have tasks that do nothing. All jobs must complete.
 * @param show called with the figures of each load when it is over
 */
export const measureControlPlane = async (show: (figures: readonly Figure[]) => void): Promise<Figure[]> => {
  const all = await measureObjects(show);
  const edgefold = await Edgefold.start({ withoutAgent: true });
  const add = (figures: readonly Figure[]): void => {
    // The most so far: of what comes after another load, it may be that one's.
    const memory = { what: "memory, most so far", value: useOfWorkerd(edgefold).memory.peak, unit: "MiB", goal: 1200 };
    const shown = [...figures, memory];
    show(shown);
    all.push(...shown);
  };
  try {
    await edgefold.upload("noop", "#!is never run");
    // First, as it is about what stays of a job.
    for (const load of [
      measureSmallJobs,
      measureManyTasks,
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
