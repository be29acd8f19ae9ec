import { performance } from "node:perf_hooks";

/** To which part the rate falls with each round of refusals, and how fast it grows again: those of CUBIC (RFC 9438). */
const decrease = 0.7;
const growth = 0.4;

/** Requests a second that are made however often the store refuses. */
const least = 2;

/** How many times the rate at which requests are made the limit may be. */
const headroom = 2;

/** Over which time the rate of requests is measured, in seconds. */
const memory = 1;

/**
 * How many requests a second a client makes of one endpoint: as many as it likes, until the endpoint says that they are
 * too many. From then on there is a limit, which falls with refusals and grows with successes, slowly around the rate at
 * which the last refusal came and fast beyond it, as in the adaptive mode of AWS's SDKs. So all that a client has under way
 * slows down together.
 */
export class RequestRate {
  readonly #now: () => number;
  #limit = Infinity;
  /** When the next request may be sent, in seconds. */
  #free = -Infinity;
  /** The rate at the last refusal that counted, and its time. */
  #highest = 0;
  #refused = -Infinity;
  /** Of the requests so far, those that still count, as of `#counted`. */
  #requests = 0;
  #counted = -Infinity;

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = () => now() / 1000;
  }

  /** Requests a second; `Infinity` before the first refusal. */
  get limit(): number {
    return this.#limit;
  }

  /** Takes the turn of a request. @returns how many milliseconds to wait before it is sent */
  take(): number {
    const now = this.#now();
    const at = Math.max(now, this.#free);
    this.#free = at + 1 / this.#limit;
    this.#requests = this.#measured(now) * memory + 1;
    this.#counted = now;
    return (at - now) * 1000;
  }

  /** A request was answered. */
  succeed(): void {
    if (this.#limit === Infinity) return;
    const now = this.#now();
    const plateau = Math.cbrt((this.#highest * (1 - decrease)) / growth);
    const cubic = growth * (now - this.#refused - plateau) ** 3 + this.#highest;
    this.#limit = Math.max(least, this.#limit, Math.min(cubic, headroom * this.#measured(now)));
  }

  /**
   * A request was refused because there are too many.
   * @param sentAt when it was sent, in milliseconds of the same clock: of requests that were on their way together one counts
   */
  refuse(sentAt: number): void {
    if (sentAt / 1000 < this.#refused) return;
    const now = this.#now();
    this.#highest = Math.min(this.#limit, this.#measured(now));
    this.#refused = now;
    this.#limit = Math.max(least, this.#highest * decrease);
    this.#free = Math.max(this.#free, now);
  }

  /** Requests a second, lately. */
  #measured(now: number): number {
    return (this.#requests * Math.exp((this.#counted - now) / memory)) / memory;
  }
}
