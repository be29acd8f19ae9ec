import type { Artifact } from "../../../shared/api/artifacts.ts";
import type { CountersSnapshot } from "../../../shared/counters.ts";
import type { RunnerAnswer, RunnerJob, RunnerRequest } from "../../../shared/protocol/runner.ts";
import type { Assignment } from "../../../shared/protocol/tasks.ts";
import type { Unnumbered } from "../../link.ts";
import type { RunnerConfig } from "../config.ts";
import type { Report } from "../tasks/task-run.ts";

/** The messages between the runner and its task thread: structured clones within one process. */

/** The data that the thread is started with. */
export type ThreadStart = {
  readonly config: RunnerConfig;
  /** Whether there is time to `rehearse` before the first task. */
  readonly rehearses: boolean;
  readonly progress: SharedArrayBuffer;
  readonly log: SharedArrayBuffer;
};

/** A call for something that the thread cannot do itself. */
export type Call =
  | { readonly what: "ask"; readonly request: Unnumbered<RunnerRequest> }
  /** Asks for the path of the artifact's content. */
  | { readonly what: "content"; readonly artifact: Artifact };

export type ToThread =
  | { readonly kind: "run"; readonly task: Assignment; readonly job: RunnerJob }
  | { readonly kind: "abort"; readonly reason: string }
  | { readonly kind: "time-out"; readonly seconds: number }
  | { readonly kind: "returned"; readonly id: number; readonly value: RunnerAnswer | string }
  | { readonly kind: "threw"; readonly id: number; readonly message: string; readonly attemptEnded: boolean };

export type FromThread =
  | { readonly kind: "call"; readonly id: number; readonly call: Call }
  | { readonly kind: "progress"; readonly counters: CountersSnapshot; readonly status: string }
  /** `isWorn`: tasks have left so much memory behind that the thread should run at most one more. */
  | { readonly kind: "report"; readonly report: Report; readonly isWorn: boolean };
