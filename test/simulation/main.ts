import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { z } from "zod";
import { compileCache } from "../../backend/host/compile-cache.ts";

/**
 * `npm run test:simulation`: runs jobs in virtual time, with everything that can go wrong between their parts. Runs
 * `--schedules` schedules (2000 by default), starting from seed `--seed` (1 by default). If a seed violates an invariant, it is
 * printed; `--seed <it> --schedules 1 --trace` shows what happened. `--without <guard>` runs the job without one of its guards
 * (see guards.ts). Stops at the first violation, with exit code 1.
 */
const { values } = parseArgs({
  options: {
    schedules: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
    without: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});
const first = Number(values.seed);
const schedules = Number(values.schedules);
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(schedules) || schedules < 1) {
  throw new Error("--seed and --schedules must be whole numbers");
}

const OutcomeSchema = z.object({
  seed: z.int(),
  faults: z.array(z.string()),
  statuses: z.array(z.string()),
  events: z.int(),
  strikes: z.int(),
});
type Outcome = z.infer<typeof OutcomeSchema>;

const totals = { schedules: 0, events: 0, strikes: 0, ends: new Map<string, number>() };
const broken: Outcome[] = [];
const count = (outcome: Outcome): void => {
  totals.schedules++;
  totals.events += outcome.events;
  totals.strikes += outcome.strikes;
  for (const status of outcome.statuses) totals.ends.set(status, (totals.ends.get(status) ?? 0) + 1);
  if (outcome.faults.length === 0) return;
  broken.push(outcome);
  for (const share of shares) share.kill();
};

/** The running processes. */
const shares: ChildProcess[] = [];

/** Runs every `step`-th schedule, starting with `from`, in its own process. */
const runShare = async (from: number, step: number): Promise<void> => {
  const options = [`--from=${from}`, `--to=${first + schedules}`, `--step=${step}`];
  if (values.without !== undefined) options.push(`--without=${values.without}`);
  if (values.trace) options.push("--trace");
  const program = join(import.meta.dirname, "run.ts");
  const share = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...compileCache },
  });
  shares.push(share);
  const ended = once(share, "close");
  for await (const line of createInterface({ input: share.stdout })) count(OutcomeSchema.parse(JSON.parse(line)));
  const [code] = await ended;
  if (code !== 0 && broken.length === 0) throw new Error(`the simulation ended with ${String(code)}`);
};

const begun = performance.now();
const width = Math.min(schedules, availableParallelism());
await Promise.all(Array.from({ length: width }, (_, index) => runShare(first + index, width)));
for (const { seed, faults } of broken) console.log(`seed ${seed}: ${faults.join("; ")}`);
const ends = [...totals.ends].map(([status, jobs]) => `${jobs} ${status}`).join(", ");
const seconds = Math.round((performance.now() - begun) / 1000);
console.log(
  `${totals.schedules} schedules in ${seconds} s: ${totals.events} events, ${totals.strikes} faults; jobs: ${ends}`,
);
console.log(broken.length === 0 ? "no promise was broken" : `${broken.length} schedules broke a promise`);
process.exitCode = broken.length === 0 ? 0 : 1;
