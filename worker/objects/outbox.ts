import type { JobStore, OutboxTarget } from "./job-store.ts";

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
  #busy: Promise<void> | undefined;

  constructor(store: JobStore, tell: Record<OutboxTarget, () => Promise<void>>) {
    this.#store = store;
    this.#tell = tell;
  }

  /** Delivers what is due. Calls while a delivery is under way share it, and what was marked meanwhile is delivered too. */
  async deliver(): Promise<void> {
    this.#busy ??= this.#run().finally(() => {
      this.#busy = undefined;
    });
    await this.#busy;
  }

  async #run(): Promise<void> {
    for (;;) {
      const due = this.#store.dirty(Date.now());
      if (due.length === 0) return;
      await Promise.all(
        due.map(async ({ target, version, tries }) => {
          this.#store.postpone(target, Date.now() + patience);
          try {
            await this.#tell[target]();
            this.#store.delivered(target, version);
          } catch (error) {
            console.error(`${target} could not be told`, error);
            this.#store.postpone(target, Date.now() + delay(tries));
          }
        }),
      );
    }
  }
}
