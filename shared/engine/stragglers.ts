import { claimableKind } from "./claimable.ts";
import type { JobRow } from "./rows.ts";

/** A straggler has run `factor` times the mean duration of its phase, and at least `atLeastMs` longer than the mean. */
const straggling = { factor: 1.5, atLeastMs: 1000 };

/**
 * How long an attempt of the phase runs before its task may have a second one, in ms; undefined while no task may. Half of the
 * tasks must be completed first: until then it is unknown what is slow. (As `spark.speculation`, with its quantile and multiplier.)
 */
export const stragglerAge = (job: JobRow): number | undefined => {
  const kind = claimableKind(job);
  if (!job.speculation || (kind !== "map" && kind !== "reduce")) return undefined;
  const { attempts, ms } = job.pace[kind];
  const { completed, total } = kind === "map" ? job.maps : job.reduces;
  if (attempts === 0 || completed * 2 < total) return undefined;
  const mean = ms / attempts;
  return Math.max(mean * straggling.factor, mean + straggling.atLeastMs);
};
