import type { Random } from "../helpers/random.ts";

/** What kind of job a schedule runs, and how much goes wrong. */
export type ScheduleOptions = {
  readonly maps: number;
  readonly reducers: number;
  readonly capacity: number;
  readonly speculation: boolean;
  readonly maxFailedMapsPercent: number;
  readonly deadlineSeconds: number | undefined;
  /** How probable it is that an attempt fails, and that it does so for good. */
  readonly failures: number;
  readonly finality: number;
  /** Tasks of this kind fail always, and this map does. */
  readonly broken: "map" | "reduce" | undefined;
  readonly poisoned: number | undefined;
  /** Whoever works on this map dies of it. */
  readonly deadly: number | undefined;
  /** How many failures of a task are too many. */
  readonly maxAttempts: number;
  /** How much more often than other faults a runner is evicted for what its task does. */
  readonly evictions: number;
  /** The same of runners whose machine the cluster drains. */
  readonly drains: number;
  /** How many losses of a task are too many. */
  readonly maxLosses: number;
  /** Most ms that the store takes to answer, and that a call between objects takes each way. */
  readonly slowestAnswer: number;
  readonly slowestCall: number;
  /** Whether the store can list uploads. */
  readonly listsUploads: boolean;
  /** When the cluster's agent and its runners are gone for good, in ms. */
  readonly deserted: number | undefined;
  /** How probable it is that a step of a task takes long. */
  readonly slowSteps: number;
  /** Mean ms between two faults, and for how many ms there are some. */
  readonly faultEvery: number;
  readonly faultsFor: number;
  /** When the user stops the job, in ms. */
  readonly stopAfter: number | undefined;
  /** How probable it is that an object dies of an event, and that a call between objects fails. */
  readonly crash: number;
  readonly call: number;
};

export const drawOptions = (random: Random): ScheduleOptions => {
  const isDeserted = random.chance(0.02);
  const severity = random.pick([0, 1, 1, 2, 4] as const);
  const maps = random.int(0, 5);
  return {
    maps,
    reducers: random.chance(0.05) ? 18 : random.int(0, 3),
    capacity: 1 + random.int(0, 3),
    speculation: random.chance(0.8),
    maxFailedMapsPercent: random.pick([0, 0, 0, 34, 100]),
    deadlineSeconds: isDeserted || random.chance(0.05) ? 1 + random.int(0, 59) : undefined,
    failures: random.pick([0, 0, 0.02, 0.1]),
    finality: random.pick([0, 0.1]),
    broken: random.chance(0.03) ? random.pick(["map", "reduce"] as const) : undefined,
    poisoned: random.chance(0.05) ? random.int(0, 5) : undefined,
    deadly: random.chance(0.02) ? random.int(0, 5) : undefined,
    maxAttempts: random.pick([1, 4, 4]),
    evictions: random.pick([0, 2]),
    drains: 1,
    maxLosses: 16,
    slowestAnswer: random.pick([300, 300, 3000]),
    slowestCall: random.pick([100, 100, 100, 3000, 3000, 20_000]),
    listsUploads: random.chance(0.5),
    deserted: isDeserted ? random.between(0, 30_000) : undefined,
    slowSteps: random.pick([0, 0.02, 0.1]),
    faultEvery: severity === 0 ? Infinity : 6000 / severity,
    faultsFor: random.between(5000, 60_000),
    stopAfter: random.chance(0.15) ? random.between(0, 40_000) : undefined,
    crash: 0.005 * severity,
    call: 0.03 * severity,
  };
};
