import { performance } from "node:perf_hooks";
import { RestartPolicy, type RestartTimes } from "../restart-policy.ts";
import { isEnded, isRunning, type Pod } from "./pod-report.ts";

/** Decides when to replace a job's pods: immediately, but with growing pauses while pods end as soon as they start. */
export class Restarts {
  readonly #times: RestartTimes;
  readonly #policy: RestartPolicy;
  /** The pods that have not ended, by uid, and when each was first seen running. */
  readonly #lives = new Map<string, { runningSince: number | undefined }>();

  #isFailing = false;
  /** Whether pods repeatedly end as soon as they start. */
  #isTroubled = false;

  constructor(times: RestartTimes) {
    this.#times = times;
    this.#policy = new RestartPolicy(times);
  }

  /** Records that a pod was seen that has not ended. */
  seen(pod: Pod): void {
    const life = this.#lives.get(pod.metadata.uid) ?? { runningSince: undefined };
    this.#lives.set(pod.metadata.uid, life);
    if (isRunning(pod)) life.runningSince ??= performance.now();
  }

  /** Records that a pod ended unexpectedly. Ignores a pod that was never seen before, because its running time is unknown. */
  ended({ metadata: { uid } }: Pod): void {
    const life = this.#lives.get(uid);
    this.#lives.delete(uid);
    if (life === undefined) return;
    const now = performance.now();
    this.#isTroubled = this.#policy.ended(life.runningSince ?? now, now) || this.#isTroubled;
    this.#isFailing ||= now - (life.runningSince ?? now) < this.#times.settleMs;
  }

  /** Records that a pod ended for a reason unrelated to its start. */
  forget({ metadata: { uid } }: Pod): void {
    this.#lives.delete(uid);
  }

  /** Whether the last pods ended as soon as they had started. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /**
   * Returns how many more pods may be started now, in addition to `pods`.
   * @returns `againIn`: the number of milliseconds after which more may be allowed
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
    // One at a time as a trial, until it has settled.
    return living.length > 0 ? { pods: 0, againIn: this.#times.settleMs - age } : { pods: 1, againIn: undefined };
  }
}
