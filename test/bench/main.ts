import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Edgefold } from "../helpers/edgefold.ts";
import { processesWith } from "../helpers/proc.ts";
import { benchCases, type BenchCase } from "./cases.ts";
import { inputFile } from "./inputs.ts";

/**
 * `npm run bench -- [--size GB] [--only NAME] [--runs N] [--json FILE]`: each case as a job and as the command that a user would
 * type instead, in turn, on the same machine in the same run. The outputs must be equal. Two runners; `file:` in and out.
 */
const { values } = parseArgs({
  options: {
    size: { type: "string", default: "1" },
    only: { type: "string" },
    runs: { type: "string", default: "3" },
    json: { type: "string" },
  },
});
const bytes = Math.round(Number(values.size) * 1e9);
const runs = Number(values.runs);
if (!(bytes > 0) || !Number.isInteger(runs) || runs < 1) throw new Error("--size and --runs must be positive");
const chosen = benchCases.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0) throw new Error(`--only is one of ${benchCases.map(({ name }) => name).join(", ")}`);

const median = (figures: readonly number[]): number => figures.toSorted((a, b) => a - b)[figures.length >> 1] ?? NaN;

/** The most memory that any runner of this Edgefold has had so far, in MB. */
const runnerPeak = (edgefold: Edgefold): number => {
  const runners = processesWith(join(edgefold.stateDir, "agent", "runners")).filter(({ command }) =>
    command.includes("runner/main.ts"),
  );
  return Math.max(0, ...runners.map(({ pid }) => peakOf(pid)));
};

const peakOf = (pid: number): number => {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
};

const runCommand = async (command: string, input: string, output: string): Promise<number> => {
  const startedAt = performance.now();
  const env = { ...process.env, LC_ALL: "C", INPUT: input, OUTPUT: output };
  const child = spawn("bash", ["-c", `set -o pipefail; ${command}`], { env, stdio: ["ignore", "inherit", "inherit"] });
  const [status] = await once(child, "exit");
  if (status !== 0) throw new Error(`the command ended with ${String(status)}`);
  return (performance.now() - startedAt) / 1000;
};

const runJob = async (
  edgefold: Edgefold,
  bench: BenchCase,
  input: string,
): Promise<{ seconds: number; peak: number }> => {
  const startedAt = performance.now();
  const posted = await edgefold.post({
    inputPath: `file://${input}`,
    outputPath: `file://${edgefold.files}`,
    mapperName: bench.mapper.name,
    ...(bench.reducer === undefined ? {} : { reducerName: bench.reducer.name }),
    nReducers: bench.nReducers,
    inputStorageCredentials: undefined,
    outputStorageCredentials: undefined,
  });
  let peak = 0;
  const job = await edgefold.waitFor(
    posted.id,
    ({ status, endTime }) => {
      peak = Math.max(peak, runnerPeak(edgefold));
      if (status === "failed") throw new Error(`${bench.name} has failed`);
      return endTime !== null;
    },
    3_600_000,
  );
  const seconds = ((job.endTime ?? 0) - job.startTime) / 1000;
  if (performance.now() - startedAt < seconds * 1000 - 50) throw new Error("the job's own times are wrong");
  return { seconds, peak };
};

/** @throws Error where the job's newest output is not what the command wrote */
const compare = (edgefold: Edgefold, bench: BenchCase, expected: string): void => {
  const [folder] = readdirSync(edgefold.files).filter((name) => /^[0-9a-f-]{36}$/.test(name));
  const parts = join(edgefold.files, folder ?? "");
  const read = bench.merge === "sort" ? `sort -m "$0"/part-*` : `cat "$0"/part-*`;
  execFileSync("bash", ["-c", `LC_ALL=C ${read} | cmp - "$1"`, parts, expected]);
  rmSync(parts, { recursive: true });
};

const folder = join(tmpdir(), "edgefold-bench");
const rows: Record<string, number | string>[] = [];
for (const bench of chosen) {
  const input = await inputFile(folder, bench.input.name, bench.input.chunks(), bytes);
  const size = statSync(input).size / 1e6;
  const expected = join(folder, "expected.txt");
  const edgefold = await Edgefold.start({ env: { RUNNERS: "2" }, fileRoots: [folder] });
  try {
    for (const { name, type, text } of [bench.mapper, ...(bench.reducer === undefined ? [] : [bench.reducer])]) {
      await edgefold.upload(name, text, type);
    }
    const command: number[] = [];
    const job: number[] = [];
    let peak = 0;
    for (let run = 0; run < runs; run++) {
      command.push(await runCommand(bench.command, input, expected));
      const measured = await runJob(edgefold, bench, input);
      job.push(measured.seconds);
      peak = Math.max(peak, measured.peak);
      compare(edgefold, bench, expected);
    }
    const seconds = median(job);
    rows.push({
      case: bench.name,
      MB: Math.round(size),
      "job s": Number(seconds.toFixed(2)),
      "command s": Number(median(command).toFixed(2)),
      // Each pair was measured in turn, so that a machine that slows down slows both.
      ratio: Number(median(job.map((figure, run) => figure / (command[run] ?? NaN))).toFixed(2)),
      "MB/s": Number((size / seconds).toFixed(1)),
      "runner MB": Math.round(peak),
    });
    console.table(rows.slice(-1));
  } finally {
    await edgefold.stop();
    rmSync(expected, { force: true });
  }
}
console.table(rows);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
process.exit();
