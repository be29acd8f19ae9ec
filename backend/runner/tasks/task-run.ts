import type { RunnerAnswer, RunnerJob, RunnerRequest } from "../../../shared/protocol/runner.ts";
import type { Assignment, ProgramRole } from "../../../shared/protocol/tasks.ts";
import type { Store } from "../../storage/store.ts";
import type { Unnumbered } from "../../link.ts";
import type { AttemptContext } from "../attempt-context.ts";
import type { Program } from "../programs/program.ts";
import type { Shuffle } from "./shuffle.ts";

/** What a task works with. */
export type TaskRun = {
  readonly job: RunnerJob;
  /** The job's input and output stores, each with its own credentials. */
  readonly input: Store;
  readonly output: Store;
  readonly shuffle: Shuffle;
  readonly context: AttemptContext;
  program(role: ProgramRole): Promise<Program>;
  /** Asks the job for this attempt; rejects with `AttemptEndedError` when it is no longer the runner's. */
  ask<Kind extends RunnerAnswer["kind"]>(
    request: Unnumbered<RunnerRequest>,
    answer: Kind,
  ): Promise<Extract<RunnerAnswer, { kind: Kind }>>;
};

/** An assignment of one kind. */
export type Task<Kind extends Assignment["kind"]> = Extract<Assignment, { kind: Kind }>;

/** The attempt is over for the runner, and there is nothing to report: it was revoked, its lease is over, or the runner ends. */
export class AttemptEndedError extends Error {
  override name = "AttemptEndedError";
}
