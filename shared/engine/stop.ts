import { isEnded } from "../status.ts";
import { announceRunners } from "./announce-runners.ts";
import type { Transition } from "./effects.ts";
import { endJob } from "./end.ts";
import type { JobRow } from "./rows.ts";

/** The user stops the job. @returns why that is refused, or the transition */
export const stop = (job: JobRow, now: number): Transition | "ended" | "committing" => {
  if (isEnded(job.status)) return "ended";
  if (job.status === "committing") return "committing";
  return announceRunners(endJob(job, "stopped", null, now, "the job was stopped"));
};
