import { z } from "zod";

/**
 * A histogram of durations on a logarithmic scale. Its size depends on how far the durations are apart and not on how many there
 * are: 8 buckets for each doubling. Bucket `b` counts the durations above `2^((b - 1) / 8)` ms, up to and including `2^(b / 8)` ms.
 */
export const DurationsSchema = z.record(z.string(), z.int());
export type Durations = z.infer<typeof DurationsSchema>;

const bucketsPerDoubling = 8;

export const addDuration = (durations: Durations, ms: number): Durations => {
  const bucket = Math.max(0, Math.ceil(bucketsPerDoubling * Math.log2(Math.max(1, ms))));
  return { ...durations, [bucket]: (durations[bucket] ?? 0) + 1 };
};

/** The median in ms: exact, or up to 9 % (`2^(1 / 8)`) too long. Undefined when there are no durations. */
export const medianDuration = (durations: Durations): number | undefined => {
  const counts = Object.entries(durations).sort(([a], [b]) => Number(a) - Number(b));
  let left = counts.reduce((sum, [, count]) => sum + count, 0) / 2;
  for (const [bucket, count] of counts) {
    left -= count;
    if (left <= 0) return 2 ** (Number(bucket) / bucketsPerDoubling);
  }
  return undefined;
};
