import type { JobRow } from "./rows.ts";

/** Whether the job has failed, and what it has computed is kept, so that it can be resumed. Nobody works for it. */
export const isHeld = ({ clean }: JobRow): boolean => clean === "held";

/** Whether no runner has anything to do for the job, now or until it is resumed. */
export const isWithoutWork = (job: JobRow): boolean => job.released || isHeld(job);

/** Whether a job that fails now is to be held. Before its input was planned there is nothing to keep. */
export const isWorthKeeping = ({ keepFailedSeconds, maps, created }: JobRow): boolean =>
  keepFailedSeconds > 0 && (maps.total > 0 || created.reduces || created.commits);
