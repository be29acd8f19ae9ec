import type { Env } from "../../worker/env.ts";
import type { Random } from "../helpers/random.ts";
import type { Clock } from "./clock.ts";
import type { Host, Instance } from "./host.ts";
import { secretKey } from "./secret-key.ts";

/** A caller, an instance of an object or a user: it can be gone before the answer arrives. */
export type Caller = <R>(start: (settle: (outcome: () => R) => void) => void) => Promise<R>;

/** The properties of calls. */
export type Lines = {
  readonly clock: Clock;
  readonly random: Random;
  /** The probability that a call fails, each way. */
  readonly odds: { readonly call: number };
  /** The longest time that a call takes each way, in ms. */
  readonly slowest: number;
  /** Whether no call gets through. */
  readonly isMute: () => boolean;
};

const fail = (why: unknown) => (): never => {
  throw why;
};

/** Calls a method of an object. The call can get lost, and so can its answer. */
const call = async <T extends Instance>(
  { clock, random, odds, slowest, isMute }: Lines,
  from: Caller,
  to: Host<T>,
  method: string,
  args: readonly unknown[],
): Promise<unknown> =>
  await from<unknown>((settle) => {
    const isRefused = isMute() || random.chance(odds.call);
    const isUnanswered = random.chance(odds.call);
    const answer = (outcome: () => unknown): void => {
      clock.after(random.between(1, slowest), () => settle(outcome));
    };
    clock.after(random.between(1, slowest), () => {
      if (isRefused) {
        answer(fail(new Error("the call did not get through")));
        return;
      }
      void to.invoke(method, args).then(
        (value) => answer(isUnanswered ? fail(new Error("the answer was lost")) : () => value),
        (error: unknown) => answer(fail(error)),
      );
    });
  });

/** An object as others see it: each use of it is a call. */
export const stubOf = <T extends Instance>(lines: Lines, from: Caller, to: Host<T>): T => {
  const methods = new Proxy(
    {},
    {
      get:
        (_, method) =>
        async (...args: unknown[]) =>
          await call(lines, from, to, String(method), args),
    },
  );
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- like the platform's stubs, it has every method
  return methods as T;
};

/** The objects and the bucket that the Worker's objects use. */
export type Surroundings = {
  readonly job: (id: string) => Host<Instance>;
  readonly cluster: () => Host<Instance>;
  readonly registry: () => Host<Instance>;
  readonly bucket: unknown;
};

/** The environment of an object's instance. @param leaseSeconds of the objects */
export const envOf = (lines: Lines, from: Caller, around: Surroundings, leaseSeconds: number): Env => {
  const env = {
    SECRET_KEY: secretKey,
    LEASE_SECONDS: String(leaseSeconds),
    JOB_RETENTION_DAYS: "1",
    JOBS: { getByName: (id: string) => stubOf(lines, from, around.job(id)) },
    CLUSTERS: { getByName: () => stubOf(lines, from, around.cluster()) },
    REGISTRY: { getByName: () => stubOf(lines, from, around.registry()) },
    ARTIFACTS: around.bucket,
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has everything the objects use
  return env as unknown as Env;
};
