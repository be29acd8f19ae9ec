import { performance } from "node:perf_hooks";
import { RestartPolicy, type RestartTimes } from "../restart-policy.ts";
import { isEnded, isRunning, type Pod } from "./pod-report.ts";

/** When pods of a job may be started in place of others: at once, but with growing pauses while they end as soon as they start. */
export class Restarts {
  readonly #times: RestartTimes;
  readonly #policy: RestartPolicy;
  /** When pods that have not ended were first seen, and first seen running, by uid. */
  readonly #lives = new Map<string, { runningSince: number | undefined }>();

  #isFailing = false;
  /** They end as soon as they start, again and again. */
  #isTroubled = false;

  constructor(times: RestartTimes) {
    this.#times = times;
    this.#policy = new RestartPolicy(times);
  }

  /** A pod was seen that has not ended. */
  seen(pod: Pod): void {
    const life = this.#lives.get(pod.metadata.uid) ?? { runningSince: undefined };
    this.#lives.set(pod.metadata.uid, life);
    if (isRunning(pod)) life.runningSince ??= performance.now();
  }

  /** A pod has ended, though nobody wanted it to. One that was never seen before says nothing of how long it has run. */
  ended({ metadata: { uid } }: Pod): void {
    const life = this.#lives.get(uid);
    this.#lives.delete(uid);
    if (life === undefined) return;
    const now = performance.now();
    this.#isTroubled = this.#policy.ended(life.runningSince ?? now, now) || this.#isTroubled;
    this.#isFailing ||= now - (life.runningSince ?? now) < this.#times.settleMs;
  }

  /** A pod has ended for a reason that has nothing to do with its start. */
  forget({ metadata: { uid } }: Pod): void {
    this.#lives.delete(uid);
  }

  /** Whether the last pods have ended as soon as they had started. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /**
   * How many pods more may be started now, where `pods` are there.
   * @returns `againIn`: after how many ms it may be more
   */
  allowance(pods: readonly Pod[]): { readonly pods: number; readonly againIn: number | undefined } {
    const now = performance.now();
    const living = pods.filter((pod) => !isEnded(pod));
    const age = Math.max(...living.map(({ metadata }) => now - (this.#lives.get(metadata.uid)?.runningSince ?? now)));
    if (age >= this.#times.settleMs) {
      this.#policy.settled();
      this.#isTroubled = false;
      this.#isFailing = false;
    }
    const waitsUntil = this.#policy.waitsUntil(now);
    if (waitsUntil !== undefined) return { pods: 0, againIn: waitsUntil - now };
    if (!this.#isTroubled) return { pods: Infinity, againIn: undefined };
    // One at a time to try, until it has settled.
    return living.length > 0 ? { pods: 0, againIn: this.#times.settleMs - age } : { pods: 1, againIn: undefined };
  }
}
