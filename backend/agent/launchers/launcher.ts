import type { LauncherCondition, WantedJob } from "../../../shared/protocol/agent.ts";

/** Why a runner or a job was ended: a code that users can look up, and a complete explanation. */
export type Failure = { readonly code: string; readonly message: string };

/** How a runner ended. */
export type RunnerEnd = {
  readonly reason: string;
  /** The failure that is charged to the runner's task, if the task is to blame. */
  readonly failure?: Failure;
  /** Whether the cluster ended it for reasons of its own, such as a drained or preempted node. */
  readonly disrupted?: boolean;
};

/** What a launcher reports. Each report is repeated until the Worker has accepted it or a newer one that supersedes it. */
export type LauncherEvents = {
  /**
   * Reports that a runner is certainly gone, along with every process that it started.
   * @returns whether the Worker has accepted the report, once that is settled
   */
  exited(jobId: string, runnerId: string, end: RunnerEnd): Promise<boolean>;
  /** Reports all current problems and notices about the job's runners, replacing what was reported before. */
  conditions(jobId: string, conditions: readonly LauncherCondition[]): void;
  /** Reports that the job cannot run here, or was ended here, permanently. */
  failed(jobId: string, failure: Failure): void;
};

/** Starts the agent's runners. Declarative: it is given the desired state and works towards it asynchronously. */
export interface Launcher {
  /** The name reported to the Worker. */
  readonly name: string;
  /** The maximum number of concurrent runners, over all jobs. */
  readonly capacity: number;
  /**
   * Sets the wanted jobs, replacing all earlier ones. Surplus runners finish their tasks. Runners of a job that is no longer
   * wanted keep running but are not replaced.
   */
  want(jobs: readonly WantedJob[]): void;
  /** Ends the runners of a job that is no longer wanted. Resolves when nothing of the job is left. */
  remove(jobId: string): Promise<void>;
  /** Stops everything that cannot outlive the agent. Resolves when it is gone. The launcher must not be used afterwards. */
  stop(): Promise<void>;
  /** Like `stop`, but immediate and best-effort. */
  kill(): void;
}
