import type { JobStore, OutboxTarget } from "../job/store.ts";

/** Delays between tries, in ms: half a second, doubled each time, at most a minute. */
const delay = (tries: number): number => Math.min(60_000, 500 * 2 ** tries);

/** A delivery that got no answer is tried again after this time, in ms, because the object died meanwhile. */
const patience = 10_000;

/**
 * What a JobObject must tell others. A target is marked in the same transaction as the state that it must hear of, and is
 * told how things stand *then*, so that only the newest state is delivered, again and again until it is acknowledged.
 */
export class Outbox {
  readonly #store: JobStore;
  readonly #tell: Record<OutboxTarget, () => Promise<void>>;
  /** Targets to which a delivery is under way. */
  readonly #busy = new Set<OutboxTarget>();

  constructor(store: JobStore, tell: Record<OutboxTarget, () => Promise<void>>) {
    this.#store = store;
    this.#tell = tell;
  }

  /** Delivers what is due, and to the same targets what is marked meanwhile. No target waits for another. */
  async deliver(): Promise<void> {
    const now = Date.now();
    const due = this.#store.dirty().filter((row) => row.due <= now && !this.#busy.has(row.target));
    await Promise.all(due.map(async ({ target }) => await this.#deliverTo(target)));
  }

  /** When `deliver` should be called next, in ms, if what is under way came to nothing; undefined when all is told. */
  next(): number | undefined {
    const later = Date.now() + patience;
    const due = this.#store.dirty().map((row) => (this.#busy.has(row.target) ? Math.max(row.due, later) : row.due));
    return due.length === 0 ? undefined : Math.min(...due);
  }

  async #deliverTo(target: OutboxTarget): Promise<void> {
    this.#busy.add(target);
    try {
      for (;;) {
        const now = Date.now();
        const mark = this.#store.dirty().find((row) => row.target === target && row.due <= now);
        if (mark === undefined) return;
        this.#store.postpone(target, now + patience, mark.tries);
        try {
          await this.#tell[target]();
          this.#store.delivered(target, mark.version);
        } catch (error) {
          console.warn(`the ${target} could not be told; it is tried again`, error);
          this.#store.postpone(target, Date.now() + delay(mark.tries), mark.tries + 1);
        }
      }
    } finally {
      this.#busy.delete(target);
    }
  }
}
