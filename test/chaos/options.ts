import { parseArgs } from "node:util";
import type { SuiteOptions } from "./suite.ts";

/** The command line is wrong; the message is for the person who typed it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const usage = "npm run test:chaos -- [--seed N] [--jobs N] [--faults N] [--minutes N]";

/** Also reads `CHAOS_SEED` and `CHAOS_S3`. @throws UsageError */
export const readOptions = (args: readonly string[], environment: NodeJS.ProcessEnv): SuiteOptions => {
  const { seed, jobs, faults, minutes } = parse(args);
  const given = seed ?? environment["CHAOS_SEED"];
  return {
    seed: given === undefined ? Date.now() % 2 ** 31 : whole("--seed", given),
    minimum: { jobs: whole("--jobs", jobs), faults: whole("--faults", faults) },
    shuffles: ["store", "local"],
    limitSeconds: 60 * whole("--minutes", minutes),
    together: 6,
    meanPauseMs: 900,
    s3: environment["CHAOS_S3"],
    say: (line) => console.log(line),
  };
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: { type: "string" },
        jobs: { type: "string", default: "60" },
        faults: { type: "string", default: "300" },
        minutes: { type: "string", default: "11" },
      },
    }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(`${error.message}\n${usage}`);
  }
};

const whole = (option: string, text: string): number => {
  if (!/^\d{1,10}$/.test(text)) throw new UsageError(`${option} is a whole number\n${usage}`);
  return Number(text);
};
