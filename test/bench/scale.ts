import { rmSync } from "node:fs";
import { join } from "node:path";
import type { BenchJob } from "./bench-job.ts";
import { type Input, type InputOnDisk, inputOnDisk, warm } from "./inputs.ts";
import { fileStorage } from "./job-storage.ts";
import { JobRuns } from "./job-runs.ts";
import { type Figures, largestPeak, median } from "./measured.ts";
import type { Folders } from "./sides.ts";

/** The sizes of the series, in 10⁹ bytes. */
const series = [0.128, 0.512, 2, 8];

/** The reference size for the others. */
const baseSize = 0.512;

/** A job's time and memory at one size of the series, as its input grows. */
export type ScaleResult = {
  readonly case: string;
  /** Of the input. */
  readonly bytes: number;
  readonly runs: readonly Figures[];
  /** Seconds per 10⁹ bytes of input: the median. */
  readonly secondsPerGB: number;
  /** `secondsPerGB` divided by that at the series' second size: the median of the ratios of each round. */
  readonly ratio?: number;
  /** Of a runner: the maximum over all runs. */
  readonly peakMiB?: number | undefined;
};

type Point = { readonly isBase: boolean; readonly input: InputOnDisk; readonly runs: Figures[] };

/**
 * Runs a job at each size in turn, in several rounds, without peers.
 * @param unit what the sizes are multiplied by, in bytes
 * @param largest size of the series, in 10⁹ bytes, before multiplication
 */
export const measureScale = async (
  { name, input, job }: { readonly name: string; readonly input: Input; readonly job: BenchJob },
  { unit, largest, runs }: { readonly unit: number; readonly largest: number; readonly runs: number },
  { inputs, scratch }: Folders,
): Promise<ScaleResult[]> => {
  const points: Point[] = [];
  for (const size of series.filter((each) => each <= largest)) {
    points.push({ isBase: size === baseSize, input: await inputOnDisk(inputs, input, size * unit), runs: [] });
  }
  const jobs = await JobRuns.start(fileStorage(inputs), join(scratch, `peaks-${name}`));
  try {
    for (let run = 0; run < runs; run++) {
      for (const point of points) {
        // The previous size's input can have displaced it from the page cache.
        await warm(point.input);
        const { figures, output } = await jobs.run(job, point.input);
        point.runs.push(figures);
        rmSync(output, { recursive: true });
      }
    }
  } finally {
    await jobs.stop();
  }
  const base = points.find(({ isBase }) => isBase);
  return points.map((point) => resultOf(name, point, base));
};

const secondsPerGB = ({ input, runs }: Point): number[] => runs.map(({ seconds }) => seconds / (input.bytes / 1e9));

const resultOf = (name: string, point: Point, base: Point | undefined): ScaleResult => {
  const figures = secondsPerGB(point);
  const compared = base === undefined ? [] : secondsPerGB(base);
  return {
    case: name,
    bytes: point.input.bytes,
    runs: point.runs,
    secondsPerGB: median(figures),
    ...(base === undefined ? {} : { ratio: median(figures.map((figure, run) => figure / (compared[run] ?? NaN))) }),
    peakMiB: largestPeak(point.runs),
  };
};
