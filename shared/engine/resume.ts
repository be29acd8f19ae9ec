import { addCounters, negatedCounters, noCounters, type CountersSnapshot } from "../counters.ts";
import type { TaskKind } from "../status.ts";
import { announceRunners } from "./announce-runners.ts";
import type { Transition } from "./effects.ts";
import { isHeld } from "./hold.ts";
import { reenter } from "./phases.ts";
import { noTasks, type JobRow } from "./rows.ts";
import { isOfKind } from "./stages.ts";

/** What of a job's request may be another one when it is resumed, as far as the machine has to do with it. */
export type ResumeOptions = Pick<
  JobRow,
  "parallelism" | "maxAttempts" | "maxLosses" | "maxFailedMapsPercent" | "speculation" | "keepFailedSeconds"
>;

/**
 * What is made again though it is completed. `nothing`, `outputs`: the parts of a job with reduces, as another reducer makes them;
 * `maps`: everything.
 */
export type MadeAgain = "nothing" | "outputs" | "maps";

/** Whether the job has gone on without a map. The one that has failed the job is none of those. */
const hasTolerated = ({ id, maps, error }: JobRow): boolean => {
  const hasFailedJob = error?.taskId != null && isOfKind(error.taskId, id, "map");
  return maps.failed > (hasFailedJob ? 1 : 0);
};

/** A map that was left out is tried again, so that what was made without it is made again, too. */
const leastAgain = (job: JobRow, again: MadeAgain): MadeAgain =>
  again === "nothing" && hasTolerated(job) ? "outputs" : again;

const completedAgain = ({ mapOnly }: JobRow, again: MadeAgain): readonly TaskKind[] => {
  if (again === "nothing") return [];
  const outputs = mapOnly ? ([] as const) : (["reduce"] as const);
  return [...(again === "maps" ? (["map"] as const) : []), ...outputs, "commit", "success"];
};

/**
 * Takes up a held job: tasks that have failed or were stopped run again, as new ones, and others stay completed.
 *
 * @param reduceCounters adds up what the completed reduces have counted
 * @returns undefined where the job is not held
 */
export const resume = (
  job: JobRow,
  options: ResumeOptions,
  asked: MadeAgain,
  reduceCounters: () => CountersSnapshot,
): Transition | undefined => {
  if (!isHeld(job)) return undefined;
  const again = leastAgain(job, asked);
  const keepsReduces = again === "nothing" || job.mapOnly;
  const withoutReduces = keepsReduces ? job.counters : addCounters(job.counters, negatedCounters(reduceCounters()));
  const resumed: JobRow = {
    ...job,
    ...options,
    maps: { ...noTasks, total: job.maps.total, completed: again === "maps" ? 0 : job.maps.completed },
    reduces: { ...noTasks, total: job.reduces.total, completed: keepsReduces ? job.reduces.completed : 0 },
    commits: again === "nothing" ? job.commits : { ...job.commits, completed: 0 },
    counters: again === "maps" ? noCounters : withoutReduces,
    durations: {
      map: again === "maps" ? {} : job.durations.map,
      reduce: keepsReduces ? job.durations.reduce : {},
    },
    clean: "unneeded",
    heldUntil: null,
    endedAt: null,
    error: null,
    alike: null,
  };
  const entered = reenter(resumed);
  return announceRunners({
    job: entered.job,
    effects: [{ kind: "restart-tasks", completed: completedAgain(job, again) }, ...entered.effects],
  });
};
