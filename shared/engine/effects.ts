import type { TaskKind } from "../status.ts";
import type { AttemptRow, JobRow, TaskRow } from "./rows.ts";

/** What the durable shell does besides storing the rows, in the same transaction. */
export type Effect =
  /** Insert `total` scheduled tasks of a kind. */
  | { readonly kind: "create"; readonly tasks: TaskKind; readonly total: number }
  /** Revoke all live attempts, or those of one task, and notify their runners. */
  | { readonly kind: "revoke"; readonly task: { kind: TaskKind; index: number } | "all"; readonly reason: string }
  /** Set all tasks except the cleaning that have not ended to `stopped`. */
  | { readonly kind: "stop-tasks" }
  /** Schedule the tasks again that have failed or were stopped, and of these kinds those that are completed as well. */
  | { readonly kind: "restart-tasks"; readonly completed: readonly TaskKind[] }
  /** Send all runners away: the job needs none for a long time. */
  | { readonly kind: "dismiss" }
  /** Send the cluster the number of runners wanted now. */
  | { readonly kind: "runners" }
  /** Send the Registry the job as it is now. */
  | { readonly kind: "publish" }
  /** Notify idle runners that there may be work, as many as there are tasks to claim. */
  | { readonly kind: "wake"; readonly tasks: number }
  /** Erase the credentials. */
  | { readonly kind: "erase" };

/** A new job row, and what it entails. */
export type JobChange = { readonly job: JobRow; readonly effects: readonly Effect[] };

/** A new job row and the new row of one of its tasks. */
export type TaskChange = JobChange & { readonly task: TaskRow };

/** All rows that one event changes. */
export type Transition = JobChange & { readonly task?: TaskRow; readonly attempt?: AttemptRow };

/** Entering a phase, forwards or back. @param tasks the number of its tasks that can be claimed now */
export const phaseEffects = (tasks: number): readonly Effect[] => [{ kind: "publish" }, { kind: "wake", tasks }];

/** Releasing the job. */
export const releaseEffects: readonly Effect[] = [{ kind: "erase" }, { kind: "publish" }];
