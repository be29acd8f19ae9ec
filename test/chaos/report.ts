import { faultNames, type FaultCounts, type FaultName } from "./faults/schedule.ts";
import type { JobOutcome } from "./jobs/run.ts";
import { leftoverKinds, type Leftover } from "./leftovers.ts";

export type Minimum = { readonly jobs: number; readonly faults: number };

/** The results of a run of the suite. */
export type Report = {
  readonly seed: number;
  readonly store: string;
  readonly seconds: number;
  readonly minimum: Minimum;
  readonly faults: ReadonlyMap<FaultName, FaultCounts>;
  readonly jobs: readonly JobOutcome[];
  readonly leftovers: readonly Leftover[];
  /** Events that must never happen, apart from jobs that went wrong. */
  readonly incidents: readonly string[];
};

const hits = ({ faults }: Report): number => faults.values().reduce((sum, { hit }) => sum + hit, 0);

/** Everything that went wrong, in words. */
const wrongOf = ({ jobs, incidents }: Report): string[] => [
  ...jobs.flatMap(({ number, kind, id, problem }) =>
    problem === undefined ? [] : [`job ${number} (${kind}, ${id}): ${problem}`],
  ),
  ...incidents,
];

export const isGood = (report: Report): boolean =>
  wrongOf(report).length === 0 &&
  report.leftovers.length === 0 &&
  report.jobs.length >= report.minimum.jobs &&
  hits(report) >= report.minimum.faults;

const faultLines = ({ faults }: Report): string[] =>
  faultNames.map((name) => {
    const { injected = 0, hit = 0 } = faults.get(name) ?? {};
    return `  ${name.padEnd(36)} ${String(hit).padStart(5)} hit live work of ${String(injected).padStart(4)} injected`;
  });

const countBy = <T extends string>(names: readonly T[], all: readonly T[]): string =>
  names.map((name) => `${all.filter((one) => one === name).length} ${name}`).join(", ");

export const reportText = (report: Report): string => {
  const { seed, store, seconds, jobs, leftovers, minimum } = report;
  const ends = countBy(
    ["completed", "failed", "stopped", "hung"],
    jobs.map(({ end }) => end),
  );
  const records = jobs.reduce((sum, job) => sum + job.records, 0);
  const wrong = wrongOf(report);
  return [
    `seed ${seed}, against ${store}, ${Math.round(seconds)} s`,
    "faults:",
    ...faultLines(report),
    `faults that hit live work: ${hits(report)} (at least ${minimum.faults} wanted)`,
    `jobs: ${jobs.length} (at least ${minimum.jobs} wanted): ${ends}`,
    `records compared: ${records}`,
    `wrong: ${wrong.length}`,
    ...wrong.map((what) => `- ${what}`),
    `leftovers: ${leftovers.length} (${countBy(
      leftoverKinds,
      leftovers.map(({ kind }) => kind),
    )})`,
    ...leftovers.map(({ kind, what }) => `- ${kind}: ${what}`),
    isGood(report) ? "all is well" : `this is not well; to run it again: npm run test:chaos -- --seed ${seed}`,
  ].join("\n");
};
