import { runnersWanted } from "./claimable.ts";
import type { JobChange } from "./effects.ts";

/**
 * The share by which the wanted runners must have become fewer before the cluster is told. Below 10 runners every change is
 * told; above, the tasks of a phase take a number of messages that grows with the logarithm of their number only.
 */
const step = 0.1;

/** Adds the effect `runners` when the cluster must be told another number. Idempotent. Every transition ends with it. */
export const announceRunners = <Change extends JobChange>(change: Change): Change => {
  const { job, effects } = change;
  const wanted = runnersWanted(job);
  const announced = job.announcedRunners;
  if (wanted === announced || (wanted < announced && wanted > announced * (1 - step))) return change;
  return { ...change, job: { ...job, announcedRunners: wanted }, effects: [...effects, { kind: "runners" }] };
};
