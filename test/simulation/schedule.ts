import type { JobStatus } from "../../shared/status.ts";
import type { Event } from "./clock.ts";
import { strike } from "./faults.ts";
import { drawOptions, quietAfter, type Given } from "./options.ts";
import { Random } from "../helpers/random.ts";
import type { Sent } from "./receiver.ts";
import { World } from "./world.ts";

/** How one schedule went. `faults` lists the violated invariants; empty if all is well. */
export type Outcome = {
  readonly seed: number;
  readonly faults: readonly string[];
  /** The final status of each job. */
  readonly statuses: readonly (JobStatus | "none")[];
  /** The number of events, and how many of them were faults. */
  readonly events: number;
  readonly strikes: number;
};

/** When all jobs must have ended, but still be stored, in ms of virtual time: giving up a cleanup takes an hour. */
const settledAfter = 6 * 60 * 60 * 1000;

/** When nothing may be left to do, in ms: the retention is a day from the end of each job. */
const longest = 60 * 60 * 60 * 1000;
const mostEvents = 100_000;

/** Runs some jobs through everything that the seed decides. @param given options that are not drawn */
export const runSchedule = async (seed: number, given: Given, isTraced: boolean): Promise<Outcome> => {
  const random = new Random(seed);
  const options = drawOptions(random, given);
  const real = { now: Date.now, random: Math.random };
  const world = new World(options, given, random, isTraced);
  const { clock, checks, jobs } = world;
  Date.now = () => clock.now;
  Math.random = () => random.next();
  Object.assign(globalThis, {
    sleepVirtually: async (ms: number) => await clock.sleep(ms),
    setTimeout: (run: () => void, ms: number) => clock.after(ms, run),
    clearTimeout: (event: Event) => clock.cancel(event),
    fetch: async (_url: string, request: Sent) => await world.receiver.fetch(request),
  });
  let strikes = 0;
  let events = 0;
  const strikeAgain = (): void => {
    if (world.elapsed > options.faultsFor) {
      world.calm();
      return;
    }
    strikes++;
    strike(world);
    clock.after(random.between(0, 2 * options.faultEvery), strikeAgain);
  };
  checks.trace(JSON.stringify({ ...options, jobs: jobs.map((job) => job.options) }));
  try {
    await world.prepare();
    world.begin();
    if (options.faultEvery < Infinity) clock.after(random.between(0, 2 * options.faultEvery), strikeAgain);
    clock.after(quietAfter, () => checks.whenQuiet());
    clock.after(settledAfter, () => checks.atTheEnd(strikes));
    for (;;) {
      if (++events > mostEvents || world.elapsed > longest) {
        checks.fault(`there is no end after ${events} events`);
        break;
      }
      if (!(await clock.step())) break;
      if (checks.faults.length > 0) break;
    }
    if (checks.faults.length === 0) checks.afterRetention();
    return { seed, faults: checks.faults, statuses: jobs.map((job) => job.checks.status), events, strikes };
  } finally {
    Object.assign(Date, { now: real.now });
    Object.assign(Math, { random: real.random });
    world.close();
  }
};
