import type { Pod } from "./pod-report.ts";

/**
 * Tells which pods are lost: they were deleted, and are still there well after their grace period, because their node does not
 * answer. Compares no clocks of two machines: the time counts from when the deletion was first seen here.
 */
export class LostPods {
  readonly #lostMs: number;
  readonly #now: () => number;
  /** When the deletion of a pod was first seen, by uid. */
  #seen: ReadonlyMap<string, number> = new Map();

  /**
   * @param lostMs how long after its grace period a pod may take to go, in milliseconds
   * @param now a monotonic clock of this machine, in milliseconds
   */
  constructor(lostMs: number, now: () => number) {
    this.#lostMs = lostMs;
    this.#now = now;
  }

  /** @param pods all that there are; a pod that is missing is forgotten */
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
