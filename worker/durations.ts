import type { Env } from "./env.ts";

/** A duration that can be configured, as a whole number of a unit. */
type Duration = {
  readonly name: "LEASE_SECONDS" | "JOB_RETENTION_DAYS";
  readonly unit: "seconds" | "days";
  /** Where nothing is configured. */
  readonly usual: number;
  readonly min: number;
  readonly max: number;
};

/** A shorter one would be over while a connection is made again; during a longer one a dead machine would keep its task. */
const lease: Duration = { name: "LEASE_SECONDS", unit: "seconds", usual: 30, min: 5, max: 600 };

/** At most 100 years. */
const retention: Duration = { name: "JOB_RETENTION_DAYS", unit: "days", usual: 30, min: 1, max: 36_500 };

const msOf = { seconds: 1000, days: 24 * 60 * 60 * 1000 } as const;

/** @returns ms; undefined where what is configured is no such duration */
const read = (env: Env, { name, unit, usual, min, max }: Duration): number | undefined => {
  const text = (env[name] ?? "").trim();
  const count = text === "" ? usual : /^\d{1,6}$/.test(text) ? Number(text) : 0;
  return count >= min && count <= max ? count * msOf[unit] : undefined;
};

/** The silence of a runner after which its attempt is lost, in ms. */
export const leaseMs = (env: Env): number => read(env, lease) ?? lease.usual * msOf.seconds;

/** How long an ended job is kept, from its end, in ms; undefined where what is configured is no such time: no job is removed then. */
export const retentionMs = (env: Env): number | undefined => read(env, retention);

/** What is wrong with the configured durations, and what to do. */
export const durationFaults = (env: Env): string[] =>
  [lease, retention]
    .filter((duration) => read(env, duration) === undefined)
    .map(
      ({ name, unit, usual, min, max }) =>
        `${name} must be a whole number of ${unit}, from ${min} to ${max}: correct it, or delete it for ${usual}`,
    );
