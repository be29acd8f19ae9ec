/**
 * The job machine: pure functions from (job row, the touched task and attempt, what happened) to new rows and effects. It
 * knows nothing of storage, time or sockets, and its cost does not grow with the number of tasks.
 *
 * - An attempt is *live* while its runner may act for it, *revoked* when it must end but its runner has not said that it
 *   did, *won* when its result counts, *ended* otherwise. Only a live attempt changes a task: that is the fence.
 * - A task is tried until one attempt wins. A failure of its own making is charged to it, and the job's `maxAttempts` of them
 *   fail the task; a lost attempt (runner gone, lease over, given back) is not, but `maxLosses` bounds them, so that a task which
 *   takes its runner down with it comes to an end too. One that a store had no time for is postponed, without a bound. Where it turns out
 *   later that the task itself has ended its runner, the loss becomes a failure; a task whose runner was told to end waits a while to
 *   hear that before it is run again. A failed task fails the job, but for the share of maps that it tolerates.
 * - Where `maxAttempts` different tasks fail in the same way and none succeeds in between, the program is broken and not the
 *   tasks: the job fails without trying them all.
 * - A task may have a second live attempt, where its first is a straggler; the first to finish wins, and the other is revoked.
 * - A phase ends when all its tasks are completed, or failed and tolerated. A map output that was lost takes a reducing job back to `mapping`, an
 *   upload that was lost takes a committing one back to the phase that makes it.
 * - An ended job is cleaned by a task of its own, once no attempt can act any more. Then it is *released*: nothing is wanted
 *   of the cluster, and its credentials are gone.
 */

export { assign } from "./attempts.ts";
export { complete } from "./completion.ts";
export { failJob, loseCredentials, loseOutput, stop, touch } from "./events.ts";
export { explainLoss, fail, lose, postpone, type Loss } from "./failures.ts";
export { abandonClean, claimable, runnersWanted } from "./phases.ts";
export {
  AttemptRowSchema,
  JobRowSchema,
  maxLosses,
  newJob,
  newTask,
  TaskRowSchema,
  type AttemptRow,
  type Effect,
  type JobRow,
  type TaskRow,
  type Transition,
} from "./rows.ts";
export { stragglerAge } from "./stragglers.ts";
