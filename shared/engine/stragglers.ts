import { claimableKind } from "./claimable.ts";
import { medianDuration } from "./durations.ts";
import type { JobRow } from "./rows.ts";

/** The share of a phase that must be completed before it is known what is slow. (As `spark.speculation.quantile`.) */
const quantile = 0.75;

/** A straggler has run `factor` times the median duration, and at least `atLeastMs` longer than the median. (As `spark.speculation.multiplier`.) */
const straggling = { factor: 1.5, atLeastMs: 1000 };

/** The share of the phase's running tasks that may have a second attempt at a time. One always may. */
const doubledShare = 0.1;

/**
 * How long an attempt of the phase runs before its task may have a second one, in ms; undefined while no task may. The caller
 * gives out second attempts only when all tasks of the phase exist and none of them can be claimed.
 */
export const stragglerAge = (job: JobRow): number | undefined => {
  const kind = claimableKind(job);
  if (!job.speculation || (kind !== "map" && kind !== "reduce")) return undefined;
  const { completed, running, total } = kind === "map" ? job.maps : job.reduces;
  if (completed < Math.max(1, Math.floor(total * quantile))) return undefined;
  if (job.doubled >= Math.max(1, Math.floor(running * doubledShare))) return undefined;
  const median = medianDuration(job.durations[kind]);
  return median && Math.max(median * straggling.factor, median + straggling.atLeastMs);
};
