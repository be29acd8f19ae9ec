import { performance } from "node:perf_hooks";
import type { RunnerGone } from "./runner-process.ts";
import type { StartedRunner } from "./runner-starter.ts";

/**
 * Most spares at a time. A job begins with at most two runners, and has more only once it is planned; and each spare holds
 * about 100 MiB of memory for as long as nothing needs it.
 */
const mostSpares = 2;

type SparesOptions = {
  start: () => StartedRunner;
  /** How long to wait after one has ended unbidden, in milliseconds. Jobs do without meanwhile. */
  readonly retryMs: number;
  readonly log: (text: string) => void;
};

/**
 * Runners that are started already and wait for a job, so that the job need not wait for them. Nobody but this process knows
 * of a spare: when one ends by itself, no job has suffered, and nothing is reported.
 */
export class Spares {
  readonly #options: SparesOptions;
  /** In the order in which they were started. */
  readonly #waiting = new Set<StartedRunner>();
  #wanted = 0;
  #notBefore = -Infinity;
  #retryAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(options: SparesOptions) {
    this.#options = options;
  }

  /** The spare that has waited longest, which is the caller's from now on; undefined when there is none. */
  take(): StartedRunner | undefined {
    const taken = [...this.#waiting].find(({ process }) => !process.exited);
    if (taken !== undefined) this.#waiting.delete(taken);
    return taken;
  }

  /**
   * Sees to it that there are spares for `slots` slots; in place of what was said before.
   *
   * @param notBefore when the next one may be started, in milliseconds of `performance.now()`
   */
  keep(slots: number, notBefore: number): void {
    this.#wanted = Math.min(mostSpares, slots);
    this.#notBefore = notBefore;
    this.#replenish();
  }

  /** Ends all, and starts no more. Resolves when they are gone. */
  async stop(): Promise<void> {
    this.#end();
    for (const { process } of this.#waiting) process.stop();
    await Promise.all([...this.#waiting].map(({ process }) => process.gone));
  }

  /** As `stop`, but at once and as well as can be. */
  kill(): void {
    this.#end();
    for (const { process } of this.#waiting) process.kill();
  }

  #end(): void {
    this.#stopping = true;
    clearTimeout(this.#timer);
  }

  #replenish(): void {
    clearTimeout(this.#timer);
    while (this.#waiting.size < this.#wanted) {
      const wait = Math.max(this.#notBefore, this.#retryAt) - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#replenish(), Math.ceil(wait));
        return;
      }
      this.#start();
    }
  }

  #start(): void {
    try {
      const spare = this.#options.start();
      this.#waiting.add(spare);
      void spare.process.gone.then((gone) => this.#gone(spare, gone));
    } catch (error) {
      this.#failed(`cannot be started: ${String(error)}`);
    }
  }

  #gone(spare: StartedRunner, { reason }: RunnerGone): void {
    // One that was taken is its job's.
    if (!this.#waiting.delete(spare) || this.#stopping) return;
    this.#failed(reason);
    this.#replenish();
  }

  /** What ended one would end the next as well, so that there is none for a time. Those that end meanwhile add nothing. */
  #failed(reason: string): void {
    const now = performance.now();
    if (now < this.#retryAt) return;
    this.#retryAt = now + this.#options.retryMs;
    this.#options.log(`a runner that waited for a job ${reason}; no other waits for ${this.#options.retryMs / 1000} s`);
  }
}
