import type { LauncherCondition, WantedJob } from "../../../shared/protocol/agent.ts";

/** Why a runner or a job was ended: a code that users may look for, and the whole story. */
export type Failure = { readonly code: string; readonly message: string };

/** How a runner ended. */
export type RunnerEnd = {
  readonly reason: string;
  /** What its task is charged with, where the task is to blame. */
  readonly failure?: Failure;
  /** Whether the cluster ended it for reasons of its own, such as a drained or preempted node. */
  readonly disrupted?: boolean;
};

/** What a launcher reports. Each report is repeated until the Worker has accepted it, or a newer one in its place. */
export type LauncherEvents = {
  /**
   * A runner is gone for certain, with all that it had started.
   * @returns whether the Worker knows, once that is settled
   */
  exited(jobId: string, runnerId: string, end: RunnerEnd): Promise<boolean>;
  /** What keeps runners of the job from starting, or should be known of them: all of it, in place of what was told before. */
  conditions(jobId: string, conditions: readonly LauncherCondition[]): void;
  /** The job cannot run here, or was ended here, for good. */
  failed(jobId: string, failure: Failure): void;
};

/** How the agent starts runners. It is told what is to be, and sees to it in its own time. */
export interface Launcher {
  /** As the Worker is told. */
  readonly name: string;
  /** Most runners at a time, over all jobs. */
  readonly capacity: number;
  /**
   * Sets what is wanted, in place of all that was wanted before. Surplus runners finish their tasks. Runners of a job that is
   * not wanted any more are left alone, but not replaced.
   */
  want(jobs: readonly WantedJob[]): void;
  /** Ends the runners of a job that is not wanted. Resolves when nothing of the job is left. */
  remove(jobId: string): Promise<void>;
  /** Ends all that would not outlive the agent. Resolves when it is gone; nothing may be asked of the launcher after this. */
  stop(): Promise<void>;
  /** As `stop`, but at once and as well as can be. */
  kill(): void;
}
