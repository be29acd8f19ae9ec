import { performance } from "node:perf_hooks";
import type { LauncherCondition, WantedJob } from "../../../../shared/protocol/agent.ts";
import type { LauncherEvents } from "../launcher.ts";
import type { RestartTimes } from "../restart-policy.ts";
import { Restarts } from "./restarts.ts";

/** What the Kubernetes launcher remembers about a job. Losing it is harmless, because all essential state is in the cluster. */
export class JobState {
  readonly jobId: string;
  /** When this agent learned of the job, in milliseconds of `performance.now()`. */
  readonly since = performance.now();
  #wanted: WantedJob | undefined;
  /** The number of runners that the job may have now. */
  share = 0;
  /** Whether everything that belongs to the job is to be removed. */
  isRemoved = false;
  /** Whether the job cannot run here, and this was reported. */
  refused = false;
  /** The uids of the Jobs whose Secrets certainly exist. */
  readonly withSecret = new Set<string>();
  /** Since when the job has had more runners than its share, in milliseconds of `performance.now()`. */
  surplusSince: number | undefined;
  /** The number of consecutive failures of the API server. */
  failures = 0;
  /** The generations in which a pod has failed. */
  readonly spent = new Set<number>();
  readonly restarts: Restarts;
  #finished: { readonly uid: string; readonly at: number } | undefined;
  /** The last reported conditions. Undefined at first, because the Worker may remember those that an earlier agent reported. */
  #reported: string | undefined;
  #work: Promise<void> = Promise.resolve();
  #isQueued = false;
  #timer: NodeJS.Timeout | undefined;
  #due = Infinity;

  constructor(jobId: string, times: RestartTimes) {
    this.jobId = jobId;
    this.restarts = new Restarts(times);
  }

  get wanted(): WantedJob | undefined {
    return this.#wanted;
  }

  want(wanted: WantedJob | undefined): void {
    // A job that failed because it was refused is tried again after it was resumed.
    if (wanted?.resumedAt !== this.#wanted?.resumedAt) this.refused = false;
    this.#wanted = wanted;
  }

  /** Runs `act` when nothing else is running for this job. Calls that arrive before it starts are coalesced into one. */
  soon(act: () => Promise<void>): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    void this.exclusively(async () => {
      this.#isQueued = false;
      await act();
    });
  }

  /** Runs `act` when nothing else is running for this job. */
  async exclusively(act: () => Promise<void>): Promise<void> {
    const work = this.#work.then(act);
    this.#work = work.catch(() => undefined);
    await work;
  }

  /** Calls `act` after `ms` milliseconds, unless an earlier call is already scheduled. */
  again(ms: number, act: () => void): void {
    const at = performance.now() + ms;
    if (at >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = at;
    this.#timer = setTimeout(() => {
      this.#due = Infinity;
      act();
    }, Math.ceil(ms));
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }

  /** Returns for how many milliseconds the Job has been known to be finished, counting from the first call for its uid. */
  finishedFor(uid: string): number {
    if (this.#finished?.uid !== uid) this.#finished = { uid, at: performance.now() };
    return performance.now() - this.#finished.at;
  }

  /** Reports the job's conditions to the Worker if they have changed. */
  report(conditions: readonly LauncherCondition[], events: LauncherEvents): void {
    const text = JSON.stringify(conditions);
    if (text === this.#reported) return;
    this.#reported = text;
    events.conditions(this.jobId, conditions);
  }
}
