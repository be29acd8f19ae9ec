import type { Random } from "../helpers/random.ts";

/** A schedule's kind of job, and what happens to it. */
export type JobOptions = {
  readonly maps: number;
  readonly reducers: number;
  readonly speculation: boolean;
  readonly maxFailedMapsPercent: number;
  readonly deadlineSeconds: number | undefined;
  /** The probability that an attempt fails, and that the failure is final. */
  readonly failures: number;
  readonly finality: number;
  /** The kind of task that always fails, and a map that does. */
  readonly broken: "map" | "reduce" | undefined;
  readonly poisoned: number | undefined;
  /** A map that kills every runner that works on it. */
  readonly deadly: number | undefined;
  /** How many failures of a task are too many, and how many losses. */
  readonly maxAttempts: number;
  readonly maxLosses: number;
  /** When the user posts the job, and when the user stops it, in ms. */
  readonly postAfter: number;
  readonly stopAfter: number | undefined;
  /** How long results are kept if the job fails. */
  readonly keepFailedSeconds: number | undefined;
  /** How often the user tries to resume the job, the interval in ms, and what is replaced then. */
  readonly resumptions: number;
  readonly resumeEvery: number;
  readonly replaces: "nothing" | "reducer" | "mapper";
  /** Whether the request is repeated, with the same key, until it is answered. */
  readonly isRepeated: boolean;
  /** The longest duration of the call that creates the job's object, in ms. */
  readonly slowestCreation: number;
  /** When the cluster permanently stops being able to start the job's runners, in ms. */
  readonly refusedAfter: number | undefined;
  /** Until when the cluster has no room for the job, in ms. */
  readonly blockedUntil: number;
  /** How many times the cluster changes what keeps the job's runners from starting. */
  readonly troubles: number;
  /** How many times the receiver refuses the notification of the end; undefined if nobody is notified. */
  readonly refusals: number | undefined;
};

/** How much goes wrong, and where. */
export type ScheduleOptions = {
  readonly jobs: number;
  readonly capacity: number;
  /** How much more often than other faults a runner is evicted because of its task. */
  readonly evictions: number;
  /** The same for runners whose machine is drained. */
  readonly drains: number;
  /** The same for runners that are cut off from the job. */
  readonly cuts: number;
  /** The longest time, in ms, that the store takes to answer, and that a call between objects takes each way. */
  readonly slowestAnswer: number;
  readonly slowestCall: number;
  /** Whether the store can list uploads. */
  readonly listsUploads: boolean;
  /** When the cluster's agent and runners disappear for good, in ms. */
  readonly deserted: number | undefined;
  /** The probability that a step of a task takes long. */
  readonly slowSteps: number;
  /** The mean time between two faults, and the period in which faults occur, in ms. */
  readonly faultEvery: number;
  readonly faultsFor: number;
  /** Whether the objects start with what release 0.1.0 has stored. */
  readonly isUpgrade: boolean;
  /** Whether the first agent is of release 0.1.0. */
  readonly isOldAgent: boolean;
  /** When another upload replaces the mapper, in ms. */
  readonly replacedAfter: number | undefined;
  /** The probability that an object dies in an event, that a call between objects fails, and that a cluster's storage fails. */
  readonly crash: number;
  readonly call: number;
  readonly storage: number;
};

/** The options that are given rather than drawn. */
export type Given = Partial<ScheduleOptions & JobOptions>;

/** When a job that the cluster has no room for is checked, in ms: by then, everything reported about it must have arrived. */
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
  // Several jobs share the work of one, so that all schedules take about the same time.
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
