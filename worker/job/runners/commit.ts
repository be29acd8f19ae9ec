import { loseOutput, outputKind, type JobRow } from "../../../shared/engine/machine.ts";
import { commitBatch } from "../../../shared/limits.ts";
import type { PendingOutput } from "../../../shared/protocol/tasks.ts";
import type { Session } from "../session.ts";
import type { JobStore } from "../store.ts";

/** The outputs that a commit task makes visible. */
export const outputsOf = (store: JobStore, job: JobRow, batch: number): PendingOutput[] =>
  store.tasks.outputs(outputKind(job), batch * commitBatch, (batch + 1) * commitBatch);

/**
 * What a commit task has done with its outputs. Those that the store has lost are made again.
 * @param lost the indices of those
 * @returns whether all of them are visible now
 */
export const finishCommit = (session: Session, batch: number, lost: readonly number[]): boolean => {
  const { store } = session;
  const outputs = outputsOf(store, session.job, batch);
  const kind = outputKind(session.job);
  for (const { index, attempt, path } of outputs) {
    if (!lost.includes(index)) continue;
    const task = store.tasks.get(kind, index);
    const made = store.attempts.get(attempt);
    const again = made && loseOutput(session.job, task, made, `the store has lost ${path}`, session.now);
    if (again !== undefined) session.apply(again);
  }
  if (lost.length > 0) return false;
  for (const { attempt, path, uploadId } of outputs) store.uploads.remove(attempt, path, uploadId);
  return true;
};
