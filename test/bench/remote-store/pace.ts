import { setTimeout as sleep } from "node:timers/promises";

/** How far a connection may fall behind its pace and then catch up, in ms: a timer can be late. */
const slackMs = 20;

/** The shortest wait, in ms; shorter ones add up. Waking up a thousand times a second would cost more than passing the bytes. */
const leastMs = 5;

/** Limits the throughput of a connection. */
export class Pace {
  readonly #bytesPerMs: number;
  /** When all bytes so far should have passed, in ms of `performance.now()`. */
  #due = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  /** Counts bytes that have passed. Resolves when the next ones may. */
  async passed(bytes: number): Promise<void> {
    const now = performance.now();
    this.#due = Math.max(this.#due, now - slackMs) + bytes / this.#bytesPerMs;
    if (this.#due - now >= leastMs) await sleep(this.#due - now);
  }
}
