import { busy } from "../http/problems.ts";

/** How long a slot stays its holder's without any progress, in ms: a client may stall, and a request may die without a word. */
const stallLimit = 60_000;

/**
 * How often those who wait look for a slot, in ms. Nobody wakes them: a promise that another request resolves goes on in that
 * request, which may not touch what belongs to theirs.
 */
const lookInterval = 25;

/** The right to hold a part of an upload in memory. */
export type Slot = {
  /** To be called with every progress. @throws ProblemError 503 where the slot was given to another meanwhile */
  renew(): void;
  release(): void;
};

/** Limits how many uploads an isolate takes at a time. */
export class UploadSlots {
  readonly #count: number;
  readonly #patience: number;
  /** When each holder made its last progress, in ms since 1970. */
  readonly #holders = new Map<symbol, number>();

  /** @param patience how long an upload waits for its turn at most, in ms */
  constructor(count: number, patience: number) {
    this.#count = count;
    this.#patience = patience;
  }

  /** Waits for a slot. @throws ProblemError 503 where none becomes free in time */
  async take(): Promise<Slot> {
    const deadline = Date.now() + this.#patience;
    while (!this.#hasRoom()) {
      if (Date.now() >= deadline) throw busy("Too many uploads are under way. Try again.", 5);
      await new Promise((resolve) => setTimeout(resolve, lookInterval));
    }
    const holder = Symbol("the holder of a slot");
    this.#holders.set(holder, Date.now());
    return {
      renew: () => {
        if (!this.#holders.has(holder)) throw busy("The upload stalled for too long. Send it again.");
        this.#holders.set(holder, Date.now());
      },
      release: () => {
        this.#holders.delete(holder);
      },
    };
  }

  #hasRoom(): boolean {
    if (this.#holders.size < this.#count) return true;
    const stalledBefore = Date.now() - stallLimit;
    for (const [holder, progress] of this.#holders) if (progress < stalledBefore) this.#holders.delete(holder);
    return this.#holders.size < this.#count;
  }
}
