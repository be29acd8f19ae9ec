import { z } from "zod";

/** What one run of a job, a command or the kernel was like. */
export const FiguresSchema = z.object({
  seconds: z.number(),
  /** The most memory that one of its processes has had, in MiB: a runner, or the kernel's process. Unknown for commands. */
  peakMiB: z.number().optional(),
});
export type Figures = z.infer<typeof FiguresSchema>;

/** Figures, and the folder in which the output lies, in files `part-…`. */
export type Measured = { readonly figures: Figures; readonly output: string };

/** The middle one; of an even number, the mean of the two in the middle. NaN of none. */
export const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1);
  return middle.reduce((sum, number) => sum + number, 0) / middle.length;
};

export const medianSeconds = (runs: readonly Figures[]): number => median(runs.map(({ seconds }) => seconds));

/** The largest peak of several runs, in MiB. */
export const largestPeak = (runs: readonly Figures[]): number | undefined => {
  const peaks = runs.flatMap(({ peakMiB }) => (peakMiB === undefined ? [] : [peakMiB]));
  return peaks.length === 0 ? undefined : Math.max(...peaks);
};
