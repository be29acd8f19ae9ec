import type { Pod } from "./pod-report.ts";

/**
 * Detects lost pods: pods that were deleted but still exist well after their grace period, because their node does not answer.
 * It does not compare clocks of two machines: time counts from when this process first saw the deletion.
 */
export class LostPods {
  readonly #lostMs: number;
  readonly #now: () => number;
  /** When the deletion of a pod was first seen, by uid. */
  #seen: ReadonlyMap<string, number> = new Map();

  /**
   * @param lostMs how long after its grace period a pod may still exist, in milliseconds
   * @param now a monotonic clock of this machine, in milliseconds
   */
  constructor(lostMs: number, now: () => number) {
    this.#lostMs = lostMs;
    this.#now = now;
  }

  /** Returns the lost pods among `pods`. @param pods all existing pods; missing ones are forgotten */
  among(pods: readonly Pod[]): Pod[] {
    const now = this.#now();
    const deleted = pods.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    this.#seen = new Map(deleted.map(({ metadata: { uid } }) => [uid, this.#seen.get(uid) ?? now]));
    return deleted.filter(({ metadata: { uid, deletionGracePeriodSeconds } }) => {
      const since = this.#seen.get(uid) ?? now;
      return now - since >= deletionGracePeriodSeconds * 1000 + this.#lostMs;
    });
  }
}
