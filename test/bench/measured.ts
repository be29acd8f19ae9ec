import { z } from "zod";
import { type Requests, RequestsSchema } from "./remote-store/messages.ts";

/** The figures of one run of a job, a command or the kernel. */
export const FiguresSchema = z.object({
  seconds: z.number(),
  /** In user and kernel mode, of all its processes. */
  processorSeconds: z.number(),
  /** The peak memory of any of its processes, in MiB: a runner, or the kernel's process. Unknown for commands. */
  peakMiB: z.number().optional(),
  /** Requests to a remote store, by operation. */
  requests: RequestsSchema.optional(),
});
export type Figures = z.infer<typeof FiguresSchema>;

/** Figures, and the folder that contains the output, in files `part-…`. */
export type Measured = { readonly figures: Figures; readonly output: string };

/** The median; for an even count, the mean of the middle two. NaN for none. */
export const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1);
  return middle.reduce((sum, number) => sum + number, 0) / middle.length;
};

export const medianSeconds = (runs: readonly Figures[]): number => median(runs.map(({ seconds }) => seconds));

/** The largest peak over several runs, in MiB. */
export const largestPeak = (runs: readonly Figures[]): number | undefined => {
  const peaks = runs.flatMap(({ peakMiB }) => (peakMiB === undefined ? [] : [peakMiB]));
  return peaks.length === 0 ? undefined : Math.max(...peaks);
};

/** The medians of the numbers of requests by operation over several runs. */
export const medianRequests = (runs: readonly Figures[]): Requests => {
  const operations = new Set(runs.flatMap(({ requests = {} }) => Object.keys(requests)));
  return Object.fromEntries(
    [...operations].map((name) => [name, median(runs.map(({ requests }) => requests?.[name] ?? 0))]),
  );
};
