import { claimable } from "./phases.ts";
import type { JobRow } from "./rows.ts";

/** Of an attempt that is slower than the others: how much longer than they took on average it has run, and at least that many ms. */
const straggling = { factor: 1.5, atLeastMs: 1000 };

/**
 * How long an attempt of the phase has to run, in ms, before its task may have a second one; undefined while none may. Not before
 * half of the tasks are completed, as it is not known then what is slow. (As Spark's `spark.speculation`, with its quantile and multiplier.)
 */
export const stragglerAge = (job: JobRow): number | undefined => {
  const kind = claimable(job);
  if (!job.speculation || (kind !== "map" && kind !== "reduce")) return undefined;
  const { attempts, ms } = job.pace[kind];
  const { completed, total } = kind === "map" ? job.maps : job.reduces;
  if (attempts === 0 || completed * 2 < total) return undefined;
  const mean = ms / attempts;
  return Math.max(mean * straggling.factor, mean + straggling.atLeastMs);
};
