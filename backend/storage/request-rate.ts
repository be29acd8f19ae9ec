import { performance } from "node:perf_hooks";

/** The factor that each round of refusals applies to the rate, and the constant of its growth: those of CUBIC (RFC 9438). */
const decrease = 0.7;
const growth = 0.4;

/** The minimum number of requests per second, no matter how often the store refuses. */
const least = 2;

/** The limit grows to at most this many times the measured rate of requests. */
const headroom = 2;

/** The time constant for measuring the rate of requests, in seconds. */
const memory = 1;

/**
 * Limits the rate of a client's requests to one endpoint. There is no limit until the endpoint reports too many requests. From
 * then on, refusals lower the limit and successes raise it: slowly around the rate at the last refusal, and fast beyond it, as
 * in the adaptive mode of AWS's SDKs. So all concurrent requests of a client slow down together.
 */
export class RequestRate {
  readonly #now: () => number;
  #limit = Infinity;
  /** The earliest time for the next request, in seconds. */
  #free = -Infinity;
  /** The rate at the last refusal that counted, and the time of that refusal in seconds. */
  #highest = 0;
  #refused = -Infinity;
  /** The exponentially decayed number of requests as of `#counted`, a time in seconds. */
  #requests = 0;
  #counted = -Infinity;

  /** @param now returns milliseconds of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = () => now() / 1000;
  }

  /** In requests per second; `Infinity` before the first refusal. */
  get limit(): number {
    return this.#limit;
  }

  /** Reserves the slot for a request. @returns how many milliseconds to wait before sending it */
  take(): number {
    const now = this.#now();
    const at = Math.max(now, this.#free);
    this.#free = at + 1 / this.#limit;
    this.#requests = this.#measured(now) * memory + 1;
    this.#counted = now;
    return (at - now) * 1000;
  }

  /** Records that a request succeeded. */
  succeed(): void {
    if (this.#limit === Infinity) return;
    const now = this.#now();
    const plateau = Math.cbrt((this.#highest * (1 - decrease)) / growth);
    const cubic = growth * (now - this.#refused - plateau) ** 3 + this.#highest;
    this.#limit = Math.max(least, this.#limit, Math.min(cubic, headroom * this.#measured(now)));
  }

  /**
   * Records that a request was refused because there are too many.
   * @param sentAt when it was sent, in milliseconds of the same clock: of requests in flight together, only one refusal counts
   */
  refuse(sentAt: number): void {
    if (sentAt / 1000 < this.#refused) return;
    const now = this.#now();
    this.#highest = Math.min(this.#limit, this.#measured(now));
    this.#refused = now;
    this.#limit = Math.max(least, this.#highest * decrease);
    this.#free = Math.max(this.#free, now);
  }

  /** The recent rate, in requests per second. */
  #measured(now: number): number {
    return (this.#requests * Math.exp((this.#counted - now) / memory)) / memory;
  }
}
