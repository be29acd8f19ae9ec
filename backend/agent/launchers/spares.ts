import { performance } from "node:perf_hooks";
import type { RunnerGone } from "./runner-process.ts";
import type { StartedRunner } from "./runner-starter.ts";

/**
 * The maximum number of spares. A job begins with at most two runners and gets more only once it is planned, and each idle spare
 * takes about 100 MiB of memory.
 */
const mostSpares = 2;

type SparesOptions = {
  start: () => StartedRunner;
  /** How long to wait after a spare ended unexpectedly, in milliseconds. Jobs start without spares in the meantime. */
  readonly retryMs: number;
  readonly log: (text: string) => void;
};

/**
 * Runners that are already started and wait for a job, so that the job need not wait for them. Only this process knows of
 * spares: if one ends by itself, no job is affected, and nothing is reported to the Worker.
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

  /** Hands over the spare that has waited longest; undefined if there is none. */
  take(): StartedRunner | undefined {
    const taken = [...this.#waiting].find(({ process }) => !process.exited);
    if (taken !== undefined) this.#waiting.delete(taken);
    return taken;
  }

  /**
   * Keeps spares for `slots` slots, up to the maximum. Replaces the previous setting. Surplus spares are not ended.
   *
   * @param notBefore the earliest time to start the next one, in milliseconds of `performance.now()`
   */
  keep(slots: number, notBefore: number): void {
    this.#wanted = Math.min(mostSpares, slots);
    this.#notBefore = notBefore;
    this.#replenish();
  }

  /** Ends all spares, and starts no more. Resolves when they are gone. */
  async stop(): Promise<void> {
    this.#end();
    for (const { process } of this.#waiting) process.stop();
    await Promise.all([...this.#waiting].map(({ process }) => process.gone));
  }

  /** Like `stop`, but immediate and best-effort. */
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
    // A spare that was taken belongs to its job.
    if (!this.#waiting.delete(spare) || this.#stopping) return;
    this.#failed(reason);
    this.#replenish();
  }

  /** Pauses starting spares, because the cause would end the next one, too. Spares that end during the pause do not extend it. */
  #failed(reason: string): void {
    const now = performance.now();
    if (now < this.#retryAt) return;
    this.#retryAt = now + this.#options.retryMs;
    this.#options.log(`a runner that waited for a job ${reason}; no other waits for ${this.#options.retryMs / 1000} s`);
  }
}
