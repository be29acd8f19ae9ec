import type { Task } from "../../sdk/index.ts";

/** A partition with so many times the mean is worth a sentence. */
const notable = 2;

export type Share = { readonly index: number; readonly bytes: number; readonly records: number };

export const sharesOf = (tasks: readonly Task[]): Share[] =>
  tasks.map(({ id, inputData, counters }) => ({
    index: Number(/\d+$/.exec(id)?.[0] ?? 0),
    bytes: inputData.splitEnd - inputData.splitStart,
    records: counters.builtin.reduceInputRecords ?? 0,
  }));

/** What the sizes of partitions come to, in words. */
export const verdictOf = (shares: readonly Share[]): string => {
  const measure = shares.some(({ records }) => records > 0) ? "records" : "bytes";
  const total = shares.reduce((sum, share) => sum + share[measure], 0);
  const largest = shares.toSorted((a, b) => b[measure] - a[measure])[0];
  if (largest === undefined || total === 0) return "No partition has been read yet.";
  const part = largest[measure] / total;
  const isSkewed = shares.length > 1 && part * shares.length >= notable;
  const percent = `${Math.round(part * 100)} %`;
  return isSkewed
    ? `Partition ${largest.index} has ${percent} of the ${measure}, ${(part * shares.length).toFixed(1)} times the mean: a frequent key.`
    : `The partitions are even: the largest, ${largest.index}, has ${percent} of the ${measure}.`;
};
