import type { Random } from "../helpers/random.ts";

/** What kind of job a schedule runs, and what happens to it. */
export type JobOptions = {
  readonly maps: number;
  readonly reducers: number;
  readonly speculation: boolean;
  readonly maxFailedMapsPercent: number;
  readonly deadlineSeconds: number | undefined;
  /** How probable it is that an attempt fails, and that it does so for good. */
  readonly failures: number;
  readonly finality: number;
  /** Tasks of this kind always fail, and so does this map. */
  readonly broken: "map" | "reduce" | undefined;
  readonly poisoned: number | undefined;
  /** Whoever works on this map dies of it. */
  readonly deadly: number | undefined;
  /** How many failures of a task are too many, and how many losses. */
  readonly maxAttempts: number;
  readonly maxLosses: number;
  /** When the user posts the job, and when the user stops it, in ms. */
  readonly postAfter: number;
  readonly stopAfter: number | undefined;
  /** For how long what it has computed is kept where it fails. */
  readonly keepFailedSeconds: number | undefined;
  /** How often the user tries to resume it, every so many ms, and what is another one then. */
  readonly resumptions: number;
  readonly resumeEvery: number;
  readonly replaces: "nothing" | "reducer" | "mapper";
  /** Whether the request is repeated, under one key, until it is answered. */
  readonly isRepeated: boolean;
  /** Most ms that the call takes which creates the job's object. */
  readonly slowestCreation: number;
  /** From when on the cluster can start no runner of the job, for good, in ms. */
  readonly refusedAfter: number | undefined;
  /** Until when the cluster has no room for the job, in ms. */
  readonly blockedUntil: number;
  /** How many times the cluster changes its mind about what keeps the job's runners from starting. */
  readonly troubles: number;
  /** How many times whoever is notified of the end does not take it; undefined where nobody is notified. */
  readonly refusals: number | undefined;
};

/** How much goes wrong, and where. */
export type ScheduleOptions = {
  readonly jobs: number;
  readonly capacity: number;
  /** How much more often than other faults a runner is evicted for what its task does. */
  readonly evictions: number;
  /** The same of runners whose machine the cluster drains. */
  readonly drains: number;
  /** The same of runners that are cut off from the job. */
  readonly cuts: number;
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
  /** Whether the objects begin with what release 0.1.0 has stored. */
  readonly isUpgrade: boolean;
  /** Whether the first agent is of release 0.1.0. */
  readonly isOldAgent: boolean;
  /** When the mapper is replaced by another upload, in ms. */
  readonly replacedAfter: number | undefined;
  /** How probable it is that an object dies of an event, that a call between objects fails, and that a cluster stores nothing. */
  readonly crash: number;
  readonly call: number;
  readonly storage: number;
};

/** What is not left to chance. */
export type Given = Partial<ScheduleOptions & JobOptions>;

/** By when a job that the cluster has no room for is looked at: all that was said of it must have arrived. */
export const quietAfter = 2 * 60 * 60 * 1000;

export const drawOptions = (random: Random, given: Given): ScheduleOptions => {
  const severity = random.pick([0, 1, 1, 2, 4] as const);
  const isOldAgent = random.chance(0.15);
  const isUpgrade = given.isUpgrade ?? random.chance(0.06);
  return {
    isUpgrade,
    isOldAgent,
    jobs: random.pick([1, 1, 1, 1, 1, 1, 2, 2, 3, 4]),
    capacity: 1 + random.int(0, 3),
    evictions: random.pick([0, 2]),
    drains: 1,
    cuts: 6,
    slowestAnswer: random.pick([300, 300, 3000]),
    slowestCall: random.pick([100, 100, 100, 3000, 3000, 20_000]),
    listsUploads: random.chance(0.5),
    deserted: !isUpgrade && random.chance(0.02) ? random.between(0, 30_000) : undefined,
    slowSteps: random.pick([0, 0.02, 0.1]),
    faultEvery: severity === 0 ? Infinity : 6000 / severity,
    faultsFor: random.between(5000, 60_000),
    replacedAfter: random.chance(0.2) ? random.between(0, 60_000) : undefined,
    crash: 0.005 * severity,
    call: 0.03 * severity,
    // An agent of release 0.1.0 does not repeat what could not be stored.
    storage: isOldAgent ? 0 : 0.01 * severity,
    ...given,
  };
};

export const drawJob = (random: Random, { jobs, deserted, slowestCall }: ScheduleOptions, given: Given): JobOptions => {
  // Several jobs do the work of one, so that schedules take about the same time.
  const most = jobs > 1 ? 3 : 5;
  const deadlineSeconds = deserted !== undefined || random.chance(0.05) ? 1 + random.int(0, 59) : undefined;
  return {
    maps: random.int(0, most),
    reducers: random.chance(0.05) ? 18 : random.int(0, jobs > 1 ? 2 : 3),
    speculation: random.chance(0.8),
    maxFailedMapsPercent: random.pick([0, 0, 0, 34, 100]),
    deadlineSeconds,
    failures: random.pick([0, 0, 0.02, 0.1]),
    finality: random.pick([0, 0.1]),
    broken: random.chance(0.03) ? random.pick(["map", "reduce"] as const) : undefined,
    poisoned: random.chance(0.05) ? random.int(0, most) : undefined,
    deadly: random.chance(0.02) ? random.int(0, most) : undefined,
    maxAttempts: random.pick([1, 4, 4]),
    maxLosses: 16,
    postAfter: jobs > 1 ? random.between(0, 20_000) : 0,
    stopAfter: random.chance(0.15) ? random.between(0, 40_000) : undefined,
    keepFailedSeconds: random.chance(0.3) ? random.pick([20, 600, 3600]) : undefined,
    resumptions: random.int(0, 4),
    resumeEvery: random.between(5000, 60_000),
    replaces: random.pick(["nothing", "reducer", "mapper"] as const),
    isRepeated: random.chance(0.85),
    slowestCreation: random.chance(0.1) ? 250_000 : slowestCall,
    refusedAfter: random.chance(0.05) ? random.pick([0, random.between(0, 20_000)]) : undefined,
    blockedUntil: random.chance(0.1) ? quietAfter + 60_000 : 0,
    troubles: random.pick([0, 0, 1, 4]),
    refusals: random.chance(0.6) ? random.pick([0, 1, 4, Infinity]) : undefined,
    ...given,
  };
};
