import type { JobStatus } from "../../shared/status.ts";
import { strike } from "./faults.ts";
import { drawOptions, type ScheduleOptions } from "./options.ts";
import { Random } from "../helpers/random.ts";
import { World } from "./world.ts";

/** How one schedule went. `faults` is what broke a promise; empty when all is well. */
export type Outcome = {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly status: JobStatus | "none";
  /** Things that happened, and those of them that went wrong. */
  readonly events: number;
  readonly strikes: number;
};

/** A job that has not ended after so many ms of virtual time, or so many events, hangs. It takes an hour to give up a cleaning. */
const longest = 3 * 60 * 60 * 1000;
const mostEvents = 50_000;

/** Runs one job under whatever the seed has in store for it. @param under what is not left to chance */
export const runSchedule = async (
  seed: number,
  under: Partial<ScheduleOptions>,
  isTraced: boolean,
): Promise<Outcome> => {
  const random = new Random(seed);
  const options = { ...drawOptions(random), ...under };
  const world = new World(options, random, isTraced);
  const { clock, checks } = world;
  const realNow = Date.now;
  Date.now = () => clock.now;
  let strikes = 0;
  let events = 0;
  const strikeAgain = (): void => {
    if (world.elapsed > options.faultsFor) {
      Object.assign(world.odds, { call: 0, crash: 0 });
      return;
    }
    strikes++;
    strike(world);
    clock.after(random.between(0, 2 * options.faultEvery), strikeAgain);
  };
  checks.trace(JSON.stringify(options));
  await clock.settle();
  Object.assign(world.odds, { call: options.call, crash: options.crash });
  if (options.faultEvery < Infinity) clock.after(random.between(0, 2 * options.faultEvery), strikeAgain);
  if (options.stopAfter !== undefined) {
    clock.after(options.stopAfter, () => world.job.enter(async (object) => await object.stop()));
  }
  if (options.deserted !== undefined) clock.after(options.deserted, () => world.cluster.desert());
  try {
    for (;;) {
      if (++events > mostEvents || world.elapsed > longest) {
        checks.fault(`the job hangs after ${events} events`);
        break;
      }
      if (!(await clock.step())) break;
      if (checks.faults.length > 0) break;
    }
    if (checks.faults.length === 0) checks.atTheEnd(strikes);
    return { seed, faults: checks.faults, status: checks.job().status, events, strikes };
  } finally {
    Date.now = realNow;
    world.close();
  }
};
