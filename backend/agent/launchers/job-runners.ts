import { performance } from "node:perf_hooks";
import type { WantedJob } from "../../../shared/protocol/agent.ts";
import type { Claimant } from "./fair-share.ts";
import { RestartPolicy, type RestartTimes } from "./restart-policy.ts";
import type { StartedRunner } from "./runner-starter.ts";

/** A runner of a job. */
export type Runner = StartedRunner & {
  /** When the runner was assigned the job, in milliseconds of `performance.now()`. */
  readonly startedAt: number;
  /** Whether the runner was told to end, immediately or after its task. Its end is then not a failure. */
  leaving: boolean;
};

/** What the process launcher knows about one job. */
export class JobRunners {
  readonly jobId: string;
  /** What the Worker wants; undefined if the job is no longer wanted. */
  wanted: WantedJob | undefined;
  /** In the order in which they were assigned the job. */
  readonly runners = new Set<Runner>();
  readonly policy: RestartPolicy;
  /** The last reported problem. Undefined at first, because the Worker may remember one that an earlier agent reported. */
  trouble: string | null | undefined;
  #standing: "holds" | "waits" | "rests" = "rests";
  #since = performance.now();

  constructor(jobId: string, times: RestartTimes) {
    this.jobId = jobId;
    this.policy = new RestartPolicy(times);
  }

  /** The runners that were not told to end. */
  get staying(): Runner[] {
    return [...this.runners].filter((runner) => !runner.leaving);
  }

  /** Returns the job's current claim to runners, and notes since when it has held or waited for some. */
  claim(now: number): Claimant {
    const held = this.staying.length;
    const desired = this.wanted?.runners ?? 0;
    const standing = held > 0 ? "holds" : desired > 0 ? "waits" : "rests";
    if (standing !== this.#standing) this.#since = now;
    this.#standing = standing;
    return { wanted: Math.min(desired, held + this.policy.allowance(now)), held, since: this.#since };
  }
}
