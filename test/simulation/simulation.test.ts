import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { compileCache } from "../../backend/host/compile-cache.ts";
import { guards } from "./guards.ts";

/** The number of schedules in every test run, and the number among which a missing guard must be found. */
const schedules = 600;
const guardSchedules = 4000;

const simulate = async (...options: string[]): Promise<{ code: number; printed: string }> => run("main.ts", ...options);

const run = async (name: "main.ts" | "run.ts", ...options: string[]): Promise<{ code: number; printed: string }> => {
  const program = ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, name), ...options];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, program, {
      env: { ...process.env, ...compileCache },
    });
    return { code: 0, printed: stdout };
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || !("stdout" in error)) throw error;
    return { code: Number(error.code), printed: String(error.stdout) };
  }
};

test("a job keeps its invariants whatever goes wrong between its parts", { timeout: 600_000 }, async () => {
  const { code, printed } = await simulate(`--schedules=${schedules}`);
  expect(printed).toContain("no promise was broken");
  expect(code).toBe(0);
  // A simulation that never got anywhere would violate no invariant either.
  const [, ran, events, faults, ends] =
    /^(\d+) schedules in \d+ s: (\d+) events, (\d+) faults; jobs: (.*)$/m.exec(printed) ?? [];
  expect(Number(ran)).toBe(schedules);
  expect(Number(events)).toBeGreaterThan(50 * schedules);
  expect(Number(faults)).toBeGreaterThan(schedules);
  for (const end of ["completed", "failed", "stopped"]) expect(ends).toMatch(new RegExp(`\\d{2,} ${end}`));
});

describe("the simulation notices if a guard is missing:", () => {
  const named = guards.map(({ name, seed, schedules: among = guardSchedules }) => [name, seed, among] as const);
  test.each(named)("%s", { timeout: 600_000 }, async (name, seed, among) => {
    const without = `--without=${name}`;
    const { printed: outcome } = await run("run.ts", `--from=${seed}`, `--to=${seed + 1}`, "--step=1", without);
    if (/"faults":\["/.test(outcome)) return;
    const { code, printed } = await simulate(`--schedules=${among}`, without);
    expect(printed).toMatch(/^seed \d+: /m);
    expect(code).toBe(1);
  });
});

test("a schedule is the same in every run", async () => {
  const runs = [await simulate("--seed=7", "--schedules=1"), await simulate("--seed=7", "--schedules=1")];
  const [first, second] = runs.map(({ printed }) => printed.replace(/ in \d+ s/, ""));
  expect(first).toBe(second);
});
