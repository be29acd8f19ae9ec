import { rmSync } from "node:fs";
import { join } from "node:path";
import type { BenchCase } from "./cases.ts";
import { runCommand } from "./command-runs.ts";
import { inputOnDisk, warm } from "./inputs.ts";
import { JobRuns } from "./job-runs.ts";
import { runKernel } from "./kernel-runs.ts";
import { type Figures, largestPeak, type Measured, median, medianSeconds } from "./measured.ts";
import { assertSame } from "./outputs.ts";

/** Where a bench keeps its files. */
export type Folders = {
  /** For inputs, which are kept. */
  readonly inputs: string;
  /** For everything else; removed at the end. Lies inside the inputs folder. */
  readonly scratch: string;
};

/** One run of a case: subject and baseline in turn. */
type Pair = {
  readonly first: "subject" | "baseline";
  readonly subject: Figures;
  readonly baseline?: Figures | undefined;
};

export type CaseResult = {
  readonly case: string;
  /** Of the input. */
  readonly bytes: number;
  readonly subject: BenchCase["subject"]["kind"];
  readonly baseline: "command" | "job" | "none";
  readonly runs: readonly Pair[];
  readonly medianSeconds: number;
  readonly minSeconds: number;
  readonly maxSeconds: number;
  readonly baselineMedianSeconds?: number;
  /**
   * The subject's time divided by the baseline's: the median of the ratios of the pairs, since a machine that slows down slows
   * both of a pair.
   */
  readonly ratio?: number;
  /** 10⁶ bytes of input per second. */
  readonly megabytesPerSecond: number;
  /** Of a runner, or of the kernel's process: the maximum over all runs. */
  readonly peakMiB?: number | undefined;
};

type Run = () => Promise<Measured>;
type Sides = { readonly bytes: number; readonly subject: Run; readonly baseline: Run | undefined };

/**
 * Measures a case several times, and checks each time that both sides produce the same output.
 * @param size of the input, in bytes
 */
export const measureCase = async (
  bench: BenchCase,
  size: number,
  runs: number,
  folders: Folders,
): Promise<CaseResult> => {
  let starting: Promise<JobRuns> | undefined;
  const jobs = (): Promise<JobRuns> =>
    (starting ??= JobRuns.start(folders.inputs, join(folders.scratch, `peaks-${bench.name}`)));
  try {
    const sides = await sidesOf(bench, size, folders, jobs);
    const pairs: Pair[] = [];
    // The sides alternate in going first: the second can find the input, and everything on disk, in the page cache.
    for (let run = 0; run < runs; run++) pairs.push(await measurePair(sides, run % 2 === 0, bench.merge));
    return resultOf(bench, sides.bytes, pairs);
  } finally {
    const started = await starting?.catch(() => undefined);
    await started?.stop();
  }
};

const sidesOf = async (
  { input, subject, baseline }: BenchCase,
  size: number,
  { inputs, scratch }: Folders,
  jobs: () => Promise<JobRuns>,
): Promise<Sides> => {
  const onDisk = await inputOnDisk(inputs, input, size);
  await warm(onDisk);
  const sides = {
    bytes: onDisk.bytes,
    subject: async () =>
      subject.kind === "job" ? (await jobs()).run(subject.job, onDisk) : runKernel(onDisk, join(scratch, "kernel")),
  };
  if (baseline === undefined) return { ...sides, baseline: undefined };
  if (baseline.kind === "command") {
    return { ...sides, baseline: () => runCommand(baseline.script, onDisk, join(scratch, "command")) };
  }
  const other = await inputOnDisk(inputs, baseline.input, size);
  await warm(other);
  return { ...sides, baseline: async () => (await jobs()).run(baseline.job, other) };
};

const measurePair = async (
  { subject, baseline }: Sides,
  subjectFirst: boolean,
  merge: BenchCase["merge"],
): Promise<Pair> => {
  const early = subjectFirst ? undefined : await baseline?.();
  const measured = await subject();
  const compared = early ?? (await baseline?.());
  if (compared !== undefined) {
    assertSame(measured.output, compared.output, merge);
    rmSync(compared.output, { recursive: true });
  }
  rmSync(measured.output, { recursive: true });
  return {
    first: early === undefined ? "subject" : "baseline",
    subject: measured.figures,
    baseline: compared?.figures,
  };
};

const resultOf = (bench: BenchCase, bytes: number, runs: readonly Pair[]): CaseResult => {
  const subjects = runs.map(({ subject }) => subject);
  const baselines = runs.flatMap(({ baseline }) => (baseline === undefined ? [] : [baseline]));
  const seconds = subjects.map((figures) => figures.seconds);
  const ratios = baselines.map((figures, run) => (seconds[run] ?? NaN) / figures.seconds);
  return {
    case: bench.name,
    bytes,
    subject: bench.subject.kind,
    baseline: bench.baseline?.kind ?? "none",
    runs,
    medianSeconds: median(seconds),
    minSeconds: Math.min(...seconds),
    maxSeconds: Math.max(...seconds),
    ...(baselines.length === 0 ? {} : { baselineMedianSeconds: medianSeconds(baselines), ratio: median(ratios) }),
    megabytesPerSecond: bytes / 1e6 / median(seconds),
    peakMiB: largestPeak(subjects),
  };
};
