import { performance } from "node:perf_hooks";
import { reasonOf } from "./api-error.ts";

/** Logs an outage of the API server once at its beginning and once at its end, however many requests fail in between. */
export class Outage {
  readonly #log: (text: string) => void;
  /** What has failed last time it was tried. */
  readonly #failing = new Set<string>();
  #since = 0;

  constructor(log: (text: string) => void) {
    this.#log = log;
  }

  /** @param what names the request among those that are made again and again */
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
