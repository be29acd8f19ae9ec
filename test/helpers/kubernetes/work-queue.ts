/** Runs work for keys, one at a time; a key added several times before its turn runs once. */
export class WorkQueue {
  readonly #work: (key: string) => void;
  readonly #report: (error: unknown) => void;
  readonly #due = new Map<string, { readonly at: number; readonly timer: NodeJS.Timeout }>();
  #isStopped = false;

  /** @param report receives errors of the work, which only defects cause */
  constructor(work: (key: string) => void, report: (error: unknown) => void) {
    this.#work = work;
    this.#report = report;
  }

  /** Schedules the work for a key after a delay, unless it is due earlier anyway. */
  add(key: string, delayMs = 0): void {
    const at = Date.now() + delayMs;
    const due = this.#due.get(key);
    if (this.#isStopped || (due !== undefined && due.at <= at)) return;
    clearTimeout(due?.timer);
    this.#due.set(key, { at, timer: setTimeout(() => this.#run(key), delayMs) });
  }

  stop(): void {
    this.#isStopped = true;
    for (const { timer } of this.#due.values()) clearTimeout(timer);
    this.#due.clear();
  }

  #run(key: string): void {
    this.#due.delete(key);
    try {
      this.#work(key);
    } catch (error) {
      this.#report(error);
    }
  }
}
