import { announceRunners } from "./announce-runners.ts";
import type { Transition } from "./effects.ts";
import { releaseUncleaned } from "./end.ts";
import type { JobRow } from "./rows.ts";

/** The cleaning of an ended job has taken too long: the job is released as it is. */
export const abandonClean = (job: JobRow): Transition => announceRunners(releaseUncleaned(job));
