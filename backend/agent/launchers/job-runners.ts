import { performance } from "node:perf_hooks";
import type { WantedJob } from "../../../shared/protocol/agent.ts";
import type { Claimant } from "./fair-share.ts";
import { RestartPolicy, type RestartTimes } from "./restart-policy.ts";
import type { StartedRunner } from "./runner-starter.ts";

/** A runner of a job. */
export type Runner = StartedRunner & {
  /** When it was given the job, in milliseconds of `performance.now()`. */
  readonly startedAt: number;
  /** It was told to end, sooner or later, so that its end is no failure. */
  leaving: boolean;
};

/** What the process launcher knows of one job. */
export class JobRunners {
  readonly jobId: string;
  /** What the Worker wants; undefined when the job is not wanted any more. */
  wanted: WantedJob | undefined;
  /** In the order in which they were given the job. */
  readonly runners = new Set<Runner>();
  readonly policy: RestartPolicy;
  /** The trouble that was reported last; undefined at first, as the Worker may remember one of an earlier time. */
  trouble: string | null | undefined;
  #standing: "holds" | "waits" | "rests" = "rests";
  #since = performance.now();

  constructor(jobId: string, times: RestartTimes) {
    this.jobId = jobId;
    this.policy = new RestartPolicy(times);
  }

  /** The runners that are to stay. */
  get staying(): Runner[] {
    return [...this.runners].filter((runner) => !runner.leaving);
  }

  /** How the job stands in the sharing, after whatever has happened to it. */
  claim(now: number): Claimant {
    const held = this.staying.length;
    const desired = this.wanted?.runners ?? 0;
    const standing = held > 0 ? "holds" : desired > 0 ? "waits" : "rests";
    if (standing !== this.#standing) this.#since = now;
    this.#standing = standing;
    return { wanted: Math.min(desired, held + this.policy.allowance(now)), held, since: this.#since };
  }
}
