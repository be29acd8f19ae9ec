import type { RunnerAnswer, RunnerJob, RunnerRequest } from "../../../shared/protocol/runner.ts";
import type { Assignment, InputRange, MapInput } from "../../../shared/protocol/tasks.ts";
import type { Store } from "../../storage/store.ts";
import type { Unnumbered } from "../../link.ts";
import type { AttemptContext } from "../attempt-context.ts";
import type { InputSource } from "../input/range-reader.ts";
import type { OpenInput } from "../input/task-input.ts";
import type { ArtifactProgram, Program } from "../programs/program.ts";
import type { Shuffle } from "./shuffle.ts";

/** Everything that a task works with. */
export type TaskRun = {
  readonly job: RunnerJob;
  /** The job's input and output stores, each with its own credentials. */
  readonly input: Store;
  readonly output: Store;
  /** What maps read with, of `input`. */
  readonly source: InputSource;
  /** Returns a map's input if it is open already. */
  takeOpenInput(input: MapInput): OpenInput | undefined;
  /** Opens the first ranges of the next map's input, for when it is taken. */
  openNextInput(ranges: readonly InputRange[]): void;
  readonly shuffle: Shuffle;
  readonly context: AttemptContext;
  program(role: "mapper" | "reducer"): Promise<Program>;
  combiner(): Promise<ArtifactProgram | undefined>;
  /** Sends the job a request for this attempt. Rejects with `AttemptEndedError` if the runner no longer owns the attempt. */
  ask<Kind extends RunnerAnswer["kind"]>(
    request: Unnumbered<RunnerRequest>,
    answer: Kind,
  ): Promise<Extract<RunnerAnswer, { kind: Kind }>>;
};

/** How an attempt ended, as reported to the job. */
export type Report = Unnumbered<Extract<RunnerRequest, { kind: "complete" | "fail" | "shuffle-lost" | "release" }>>;

/** An assignment of one kind. */
export type Task<Kind extends Assignment["kind"]> = Extract<Assignment, { kind: Kind }>;

/** The attempt has ended with nothing to report: it was revoked, its lease has expired, or the runner is ending. */
export class AttemptEndedError extends Error {
  override name = "AttemptEndedError";
}
