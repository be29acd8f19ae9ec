import { performance } from "node:perf_hooks";
import { reasonOf } from "./api-error.ts";

/** Logs an outage of the API server once when it begins and once when it ends, no matter how many requests fail in between. */
export class Outage {
  readonly #log: (text: string) => void;
  /** The requests whose last try failed. */
  readonly #failing = new Set<string>();
  #since = 0;

  constructor(log: (text: string) => void) {
    this.#log = log;
  }

  /** @param what identifies the request among those that are retried */
  failed(what: string, error: unknown): void {
    if (this.#failing.size === 0) {
      this.#since = performance.now();
      this.#log(`the API server fails (${what}: ${reasonOf(error)}); trying again until it does not`);
    }
    this.#failing.add(what);
  }

  succeeded(what: string): void {
    if (!this.#failing.delete(what) || this.#failing.size > 0) return;
    this.#log(`the API server answers again, after ${Math.round((performance.now() - this.#since) / 1000)} s`);
  }
}
