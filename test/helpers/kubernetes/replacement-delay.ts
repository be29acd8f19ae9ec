/** The longest delay, unless the first one is longer. */
const limitMs = 2000;

type Memory = { failures: number; lastFailure: number; refusals: number };

/** How long Jobs wait before they replace pods: longer after each failure, and after each refused pod. */
export class ReplacementDelay {
  readonly #firstMs: number;
  readonly #memories = new Map<string, Memory>();

  constructor(firstMs: number) {
    this.#firstMs = firstMs;
  }

  failed(job: string): void {
    const memory = this.#of(job);
    memory.failures += 1;
    memory.lastFailure = Date.now();
  }

  succeeded(job: string): void {
    this.#of(job).failures = 0;
  }

  created(job: string): void {
    this.#of(job).refusals = 0;
  }

  /** @returns how long to wait after a refused pod, in ms */
  refused(job: string): number {
    const memory = this.#of(job);
    memory.refusals += 1;
    return this.#after(memory.refusals);
  }

  /** The time left to wait after the last failure, in ms. */
  left(job: string): number {
    const { failures, lastFailure } = this.#of(job);
    return failures === 0 ? 0 : lastFailure + this.#after(failures) - Date.now();
  }

  forget(job: string): void {
    this.#memories.delete(job);
  }

  #after(times: number): number {
    return Math.min(Math.max(limitMs, this.#firstMs), this.#firstMs * 2 ** (times - 1));
  }

  #of(job: string): Memory {
    const memory = this.#memories.get(job) ?? { failures: 0, lastFailure: 0, refusals: 0 };
    this.#memories.set(job, memory);
    return memory;
  }
}
