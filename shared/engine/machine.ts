/**
 * The job machine: pure functions from (job row, the touched task and attempt, what happened) to new rows and effects. It
 * knows nothing of storage, time or sockets, and its cost does not grow with the number of tasks.
 *
 * - An attempt is *live* while its runner may act for it, *revoked* when it must end but its runner has not confirmed that,
 *   *won* when its result counts, *ended* otherwise. Only a live attempt changes its task: that is the fence.
 * - A task is tried until one attempt wins. A failure that the task is to blame for is charged to it, and `maxAttempts` of them
 *   fail it. A lost attempt (runner gone, lease over, given back) is charged as a loss, and `maxLosses` of them fail the job:
 *   a task that takes its runner down comes to an end too. A loss that the cluster explains, such as a drained node, is not
 *   charged; an attempt throttled by a store is postponed. Both can happen any number of times.
 * - A loss becomes a failure when the agent reports later that the task itself ended its runner. A task whose runner was told
 *   to end waits a while for that report before it runs again.
 * - A failed task fails the job, except for the share of maps that the job tolerates.
 * - Where `maxAttempts` different tasks fail in the same way and none succeeds in between, the program is broken rather than
 *   the tasks: the job fails without trying them all.
 * - A straggler may have a second live attempt. The first attempt to finish wins, and the other is revoked.
 * - A phase ends when all its tasks are completed, or failed and tolerated. A lost map output takes a reducing job back to
 *   `mapping`; a lost upload takes a committing job back to the phase that makes it.
 * - An ended job is cleaned by a task of its own, once no attempt can act any more. Then it is *released*: nothing is wanted
 *   of the cluster, and its credentials are erased.
 * - A failed job may be *held* before it is cleaned: what it has computed is kept, and nobody works for it. It can be resumed:
 *   what is completed stays, and the rest is tried again.
 */

export { abandonClean } from "./abandon-clean.ts";
export { assign } from "./assign.ts";
export { isCurrent } from "./attempts.ts";
export { claimableKind, runnersWanted } from "./claimable.ts";
export { complete } from "./complete.ts";
export type { Effect, Transition } from "./effects.ts";
export { explainLoss } from "./explain-loss.ts";
export { fail } from "./fail.ts";
export { failJob, loseCredentials, refuseJob } from "./fail-job.ts";
export { isHeld, isWithoutWork } from "./hold.ts";
export { letGo } from "./let-go.ts";
export { lose, type Loss, type RunnerEnd } from "./lose.ts";
export { loseOutput } from "./lose-output.ts";
export { freshTask, newJob, newTask } from "./new-rows.ts";
export { outputKind } from "./phases.ts";
export { postpone } from "./postpone.ts";
export { resume, type MadeAgain, type ResumeOptions } from "./resume.ts";
export {
  AttemptEndSchema,
  AttemptRowSchema,
  JobRowSchema,
  TaskRowSchema,
  type AttemptEnd,
  type AttemptRow,
  type JobRow,
  type TaskRow,
} from "./rows.ts";
export { stages, taskIdOf } from "./stages.ts";
export { stop } from "./stop.ts";
export { stragglerAge } from "./stragglers.ts";
export { touch } from "./touch.ts";
