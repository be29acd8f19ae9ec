import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { benchCases, type BenchCase } from "./cases.ts";
import type { Figure } from "./figure.ts";
import { controlPlane, measureControlPlane } from "./control-plane/measure.ts";
import { measureStraggler, straggler } from "./straggler.ts";
import { type CaseResult, measureCase } from "./measure.ts";
import { type Options, readOptions, UsageError } from "./options.ts";
import { measureScale, type ScaleResult } from "./scale.ts";
import type { Folders } from "./sides.ts";
import { caseTables, figureTable, scaleTable, skippedPeers } from "./table.ts";

/**
 * `npm run bench`: runs each case as a job and as its peers, mostly commands that a user would type instead, in turn, on the same
 * machine in the same run. The outputs must be equal. Uses two runners, and `file:` for input and output or, in the cases
 * `store-…`, a store as in a cluster. `--scale` runs a few jobs with growing inputs instead. Two cases differ: `control-plane`
 * loads the Worker with tasks that do nothing, and `straggler` makes a runner hang.
 * `docs/contribute/performance.md` describes the options.
 */

/** Cases without peers. */
const loads: ReadonlyMap<string, typeof measureStraggler> = new Map([
  [straggler, measureStraggler],
  [controlPlane, measureControlPlane],
]);

type Chosen = { readonly cases: readonly BenchCase[]; readonly loads: readonly string[] };

/** @throws UsageError if no case has a given name */
const chosenCases = ({ only, peers, scaleTo }: Options): Chosen => {
  const possible = benchCases.filter(({ inScale }) => scaleTo === undefined || inScale === true);
  const names = [...possible.map(({ name }) => name), ...(scaleTo === undefined ? loads.keys() : [])];
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no case ${unknown}; --only takes ${names.join(", ")}`);
  const isChosen = (name: string): boolean => only.length === 0 || only.includes(name);
  return {
    cases: possible
      .filter(({ name }) => isChosen(name))
      .map((bench) => ({
        ...bench,
        peers: bench.peers.filter(({ name }) => peers.length === 0 || peers.includes(name)),
      })),
    loads: scaleTo === undefined ? [...loads.keys()].filter(isChosen) : [],
  };
};

const cases: CaseResult[] = [];
const scale: ScaleResult[] = [];
const figures: Figure[] = [];
const failures: { readonly case: string; readonly message: string }[] = [];

/** Measures a case, and prints its figures at once, since the whole run can take long. */
const measure = async (bench: BenchCase, { size, runs, scaleTo }: Options, folders: Folders): Promise<void> => {
  const { name, input, subject } = bench;
  if (scaleTo === undefined) {
    const result = await measureCase(bench, size, runs, folders);
    cases.push(result);
    console.log(caseTables([result]));
    for (const line of skippedPeers(result)) console.log(line);
  } else if (subject.kind === "job") {
    const job = { name, input, job: subject.job };
    const results = await measureScale(job, { unit: size, largest: scaleTo, runs }, folders);
    scale.push(...results);
    console.log(scaleTable(results));
  }
};

/** Runs one of the chosen cases; the others are worth running even if it fails. */
const attempt = async (name: string, run: () => Promise<void>): Promise<void> => {
  try {
    await run();
  } catch (error) {
    console.error(`${name}:`, error);
    failures.push({ case: name, message: String(error) });
  }
};

/** What the figures depend on, apart from the code. */
const machine = () => ({
  date: new Date().toISOString(),
  node: process.version,
  cpus: availableParallelism(),
  cpuModel: cpus()[0]?.model ?? "unknown",
  memoryBytes: totalmem(),
});

const main = async (): Promise<void> => {
  const options = readOptions(process.argv.slice(2));
  const chosen = chosenCases(options);
  const inputs = join(tmpdir(), "edgefold-bench");
  mkdirSync(inputs, { recursive: true });
  const folders = { inputs, scratch: mkdtempSync(join(inputs, "scratch-")) };
  try {
    for (const bench of chosen.cases) await attempt(bench.name, () => measure(bench, options, folders));
  } finally {
    rmSync(folders.scratch, { recursive: true });
  }
  for (const name of chosen.loads) {
    await attempt(name, async () => {
      figures.push(...((await loads.get(name)?.((some) => console.log(figureTable(some)))) ?? []));
    });
  }
  if (cases.length > 0) console.log(`\n${caseTables(cases)}`);
  if (scale.length > 0) console.log(`\n${scaleTable(scale)}`);
  if (figures.length > 0) console.log(`\n${figureTable(figures)}`);
  if (failures.length > 0) {
    console.error(`\nfailed: ${failures.map(({ case: name }) => name).join(", ")}`);
    process.exitCode = 1;
  }
  if (options.json !== undefined) {
    const { size, runs } = options;
    const report = { ...machine(), options: { size, runs }, cases, scale, figures, failures };
    writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
};

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
// After a failed load, runners in this process can still be trying to reach a Worker that has ended.
process.exit();
