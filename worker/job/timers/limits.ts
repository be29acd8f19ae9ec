import { failJob } from "../../../shared/engine/machine.ts";
import type { Condition } from "../../../shared/api/jobs.ts";
import { describeLimit, nextTimeLimit, timeLimits } from "../time-limits.ts";
import type { Timer } from "./timer.ts";

/**
 * Fails a job that takes longer than its request allows.
 * @param absence that there is no agent, where this is known: the reason of a late start
 */
export const limits = (absence: Condition | undefined): Timer => ({
  due: ({ store, job }) => {
    const limit = nextTimeLimit(store.job.spec(), job);
    return Number.isFinite(limit) ? limit : undefined;
  },
  run: (session) => {
    const { store, job, now } = session;
    const spec = store.job.spec();
    const failure =
      timeLimits(spec).deadline <= now
        ? describeLimit.deadline(spec)
        : describeLimit.start(spec, absence ?? store.conditions.all()[0]);
    const failed = failJob(job, failure, now);
    if (failed !== undefined) session.apply(failed);
  },
});
