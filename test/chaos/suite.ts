import { until } from "../helpers/until.ts";
import { Schedule, type FaultCounts, type FaultName } from "./faults/schedule.ts";
import { planJob } from "./jobs/plan.ts";
import { JobRun } from "./jobs/run.ts";
import { findLeftovers, type EndedJob, type Leftover } from "./leftovers.ts";
import { Random } from "../helpers/random.ts";
import type { Minimum, Report } from "./report.ts";
import { Stage, type StageSettings } from "./stage.ts";
import { openChaosStore, type ChaosStore } from "./store.ts";

export type SuiteOptions = {
  readonly seed: number;
  /** It ends after this many jobs and faults that count. */
  readonly minimum: Minimum;
  /** Where the shuffle is kept: one stage for each, one after another. */
  readonly shuffles: readonly StageSettings["shuffle"][];
  /** No job starts after this time, in s. */
  readonly limitSeconds: number;
  /** The number of concurrent jobs. */
  readonly together: number;
  /** The mean pause between faults, in ms. */
  readonly meanPauseMs: number;
  /** The address of an S3 server; the tests' own store if undefined. */
  readonly s3: string | undefined;
  /** Receives what happens, line by line. */
  readonly say: (line: string) => void;
};

type StageReport = {
  readonly jobs: readonly EndedJob[];
  readonly faults: Schedule["counts"];
  readonly leftovers: readonly Leftover[];
  readonly incidents: readonly string[];
};

/** Runs jobs under faults until there have been enough of both, compares their outputs, and counts what they leave behind. */
export const runSuite = async (options: SuiteOptions): Promise<Report> => {
  const { seed, minimum, shuffles, s3, say } = options;
  const began = performance.now();
  say(`seed ${seed}`);
  const random = new Random(seed);
  const store = await openChaosStore(s3);
  try {
    const reports: StageReport[] = [];
    for (const [index, shuffle] of shuffles.entries()) {
      reports.push(await runStage(options, store, random.stream(index), index, shuffle));
    }
    return {
      seed,
      store: store.name,
      seconds: (performance.now() - began) / 1000,
      minimum,
      faults: added(reports.map(({ faults }) => faults)),
      jobs: reports.flatMap(({ jobs }) => jobs.map(({ outcome }) => outcome)),
      leftovers: reports.flatMap(({ leftovers }) => leftovers),
      incidents: reports.flatMap(({ incidents }) => incidents),
    };
  } finally {
    await store.close();
  }
};

const added = (all: readonly Schedule["counts"][]): Map<FaultName, FaultCounts> => {
  const sums = new Map<FaultName, FaultCounts>();
  for (const [name, { injected, hit }] of all.flatMap((counts) => [...counts])) {
    const sum = sums.get(name) ?? { injected: 0, hit: 0 };
    sums.set(name, { injected: sum.injected + injected, hit: sum.hit + hit });
  }
  return sums;
};

const runStage = async (
  options: SuiteOptions,
  store: ChaosStore,
  random: Random,
  index: number,
  shuffle: StageSettings["shuffle"],
): Promise<StageReport> => {
  const { seed, say } = options;
  const settings = { shuffle, sortBuffer: random.pick([64, 128, 512]) * 1024, mergeFactor: random.pick([2, 3, 8]) };
  say(`stage ${index}: ${JSON.stringify(settings)}`);
  const stage = await Stage.start(store, settings);
  try {
    // For this run only, so that a server's bucket can hold others.
    const run = `chaos-${seed}-${index}-${process.pid}-${Date.now()}`;
    const schedule = new Schedule(stage, random.stream(1), options.meanPauseMs);
    const peace = new AbortController();
    const faults = schedule.run(peace.signal);
    const jobs = await runJobs(options, stage, schedule, random.stream(2), run, peace).finally(() => peace.abort());
    await faults;
    say(`stage ${index}: ${jobs.length} jobs have ended, ${schedule.hits} faults have hit; looking for what is left`);
    // An earlier request's connection can lead to a Worker that was killed.
    const list = await until("the list of jobs", () => stage.edgefold.listJobs().catch(() => undefined));
    const known = list.length;
    const extra = known === jobs.length ? [] : [`there are ${known} jobs of ${jobs.length} that were posted`];
    const leftovers = await findLeftovers(stage, jobs, run);
    const incidents = [...stage.incidents, ...stage.log.defects, ...stage.secrets.blindness, ...extra];
    return { jobs, faults: schedule.counts, leftovers, incidents };
  } finally {
    await stage.stop();
  }
};

/**
 * Runs several jobs at a time until there have been enough jobs and faults for one stage. Then aborts `peace` to stop the
 * faults, since the last jobs alone would get them all.
 */
const runJobs = async (
  { minimum, shuffles, limitSeconds, together, say }: SuiteOptions,
  stage: Stage,
  schedule: Schedule,
  random: Random,
  run: string,
  peace: AbortController,
): Promise<EndedJob[]> => {
  const ended: EndedJob[] = [];
  const jobs = Math.ceil(minimum.jobs / shuffles.length);
  const faults = Math.ceil(minimum.faults / shuffles.length);
  const end = performance.now() + (limitSeconds * 1000) / shuffles.length;
  let begun = 0;
  const isEnough = (): boolean => (begun >= jobs && schedule.hits >= faults) || performance.now() > end;
  const work = async (): Promise<void> => {
    while (!isEnough()) {
      const plan = planJob(random, begun++);
      const job = new JobRun(stage, plan, run);
      const outcome = await job.perform();
      ended.push({ outcome, run: job });
      const { number, kind, seconds, problem } = outcome;
      const verdict = problem === undefined ? "" : ` WRONG: ${problem.split("\n")[0]}`;
      say(
        `job ${number} (${kind}): ${outcome.end} after ${seconds.toFixed(1)} s${verdict}; ${schedule.hits} faults so far`,
      );
    }
  };
  const watch = setInterval(() => {
    if (isEnough()) peace.abort();
  }, 100);
  await Promise.all(Array.from({ length: together }, work));
  clearInterval(watch);
  return ended;
};
