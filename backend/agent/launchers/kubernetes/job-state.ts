import { performance } from "node:perf_hooks";
import type { LauncherCondition, WantedJob } from "../../../../shared/protocol/agent.ts";
import type { LauncherEvents } from "../launcher.ts";
import type { RestartTimes } from "../restart-policy.ts";
import { Restarts } from "./restarts.ts";

/** What the kubernetes launcher remembers of a job. All that matters is in the cluster: this may be lost at any time. */
export class JobState {
  readonly jobId: string;
  /** Since when it is known here, in milliseconds of `performance.now()`. */
  readonly since = performance.now();
  #wanted: WantedJob | undefined;
  /** The runners that it may have now. */
  share = 0;
  /** Everything of it is to go. */
  isRemoved = false;
  /** It cannot run here, and that was said. */
  refused = false;
  /** The uids of the Jobs whose Secrets are certain to be there. */
  readonly withSecret = new Set<string>();
  /** Since when it has more runners than its share. */
  surplusSince: number | undefined;
  /** Failures of the API server in a row. */
  failures = 0;
  /** The generations of which a pod has failed. */
  readonly spent = new Set<number>();
  readonly restarts: Restarts;
  #finished: { readonly uid: string; readonly at: number } | undefined;
  /** Undefined at first, as the Worker may remember conditions of an earlier time. */
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
    // A job that has failed of its refusal and was resumed is tried again.
    if (wanted?.resumedAt !== this.#wanted?.resumedAt) this.refused = false;
    this.#wanted = wanted;
  }

  /** Does something when nothing else is being done for this job. What comes up meanwhile again and again is done once. */
  soon(act: () => Promise<void>): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    void this.exclusively(async () => {
      this.#isQueued = false;
      await act();
    });
  }

  /** Does something when nothing else is being done for this job. */
  async exclusively(act: () => Promise<void>): Promise<void> {
    const work = this.#work.then(act);
    this.#work = work.catch(() => undefined);
    await work;
  }

  /** Calls `act` after some milliseconds, if nothing is to be called before that. */
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

  /** For how many milliseconds a Job has been known to be finished. */
  finishedFor(uid: string): number {
    if (this.#finished?.uid !== uid) this.#finished = { uid, at: performance.now() };
    return performance.now() - this.#finished.at;
  }

  /** Tells the Worker of the job's conditions, where they have changed. */
  report(conditions: readonly LauncherCondition[], events: LauncherEvents): void {
    const text = JSON.stringify(conditions);
    if (text === this.#reported) return;
    this.#reported = text;
    events.conditions(this.jobId, conditions);
  }
}
