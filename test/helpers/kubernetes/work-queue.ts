/** Runs work for keys, one at a time, each key once however often it was added meanwhile. */
export class WorkQueue {
  readonly #work: (key: string) => void;
  readonly #report: (error: unknown) => void;
  readonly #due = new Map<string, { readonly at: number; readonly timer: NodeJS.Timeout }>();
  #isStopped = false;

  /** @param report is told of errors of the work, which has none unless it is wrong itself */
  constructor(work: (key: string) => void, report: (error: unknown) => void) {
    this.#work = work;
    this.#report = report;
  }

  /** Runs the work for a key after a while, or earlier where it is to be done earlier anyway. */
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
