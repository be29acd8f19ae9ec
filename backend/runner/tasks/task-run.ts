import type { RunnerAnswer, RunnerJob, RunnerRequest } from "../../../shared/protocol/runner.ts";
import type { Assignment } from "../../../shared/protocol/tasks.ts";
import type { Store } from "../../storage/store.ts";
import type { Unnumbered } from "../../link.ts";
import type { AttemptContext } from "../attempt-context.ts";
import type { RecordBatch } from "../input/record-batches.ts";
import type { ArtifactProgram, Program } from "../programs/program.ts";
import type { Shuffle } from "./shuffle.ts";

/** Everything that a task works with. */
export type TaskRun = {
  readonly job: RunnerJob;
  /** The job's input and output stores, each with its own credentials. */
  readonly input: Store;
  readonly output: Store;
  /** Yields the records of a map. Then opens the next map's input, so that it arrives while this map writes its output. */
  readMapInput(map: Task<"map">): AsyncGenerator<RecordBatch, void, void>;
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
