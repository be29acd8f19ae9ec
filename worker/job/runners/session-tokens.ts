import type { RunnerSession } from "../../../shared/protocol/runner.ts";
import type { JobSpec } from "../spec.ts";
import { timeLimits } from "../time-limits.ts";

const day = 24 * 60 * 60 * 1000;

/** How long a job without a deadline may last: a year, as the longest deadline (`deadlineSeconds`). */
const longestJob = 366 * day;

/**
 * When the token expires that runners start with, in ms since 1970. Where they are pods, it lies in a Secret that is never changed,
 * and a pod may start whenever the cluster has room for it: so it lasts as long as the job can, and a day for what comes after
 * a deadline, the commit and the cleaning. The same as long as that is not over, so that agents see no change.
 */
export const startExpiry = (spec: JobSpec, now: number): number => {
  const { deadline } = timeLimits(spec);
  return Math.max(Number.isFinite(deadline) ? deadline : (spec.resumedAt ?? spec.createdAt) + longestJob, now) + day;
};

/** How long a token lives that a runner gets over its link, and after which time of it the runner gets the next one, in ms. */
const sessionTime = day;
const renewalTime = day / 3;

/** For how long a token is handed to further runners of the job, in ms: it is theirs together. */
const sharedTime = day / 24;

/**
 * The tokens that runners get over their links, with which they dial again. They are signed with the key of now, and their
 * time does not depend on the job's.
 */
export class SessionTokens {
  readonly #sign: (expires: number) => Promise<string>;
  #newest: { readonly token: string; readonly issued: number } | undefined;
  #isSigning = false;

  constructor(sign: (expires: number) => Promise<string>) {
    this.#sign = sign;
  }

  /** One for a runner that says hello. */
  async first(now: number): Promise<RunnerSession> {
    return this.#current(now) ?? (await this.#renew(now));
  }

  /**
   * The next one for a runner that got its last at `since`, where it is due. Answers must not wait for it, or else they could be
   * overtaken by notices: where it has to be signed first, the runner gets it with its next answer.
   */
  next(since: number, now: number): RunnerSession | undefined {
    if (now < since + renewalTime) return undefined;
    const current = this.#current(now);
    if (current === undefined && !this.#isSigning) void this.#prepare(now);
    return current;
  }

  async #prepare(now: number): Promise<void> {
    this.#isSigning = true;
    try {
      await this.#renew(now);
    } catch (error) {
      console.error("a runner's token could not be renewed", error);
    } finally {
      this.#isSigning = false;
    }
  }

  #current(now: number): RunnerSession | undefined {
    if (this.#newest === undefined || now >= this.#newest.issued + sharedTime) return undefined;
    const { token, issued } = this.#newest;
    return { token, seconds: Math.floor((issued + sessionTime - now) / 1000) };
  }

  async #renew(now: number): Promise<RunnerSession> {
    this.#newest = { token: await this.#sign(now + sessionTime), issued: now };
    return { token: this.#newest.token, seconds: sessionTime / 1000 };
  }
}
