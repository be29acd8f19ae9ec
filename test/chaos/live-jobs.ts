/** Tracks which of the suite's jobs are live: posted, and not yet seen to end. A fault that hits anything else does not count. */
export class LiveJobs {
  /** Live jobs: number by id. */
  readonly #live = new Map<string, number>();

  begin(jobId: string, number: number): void {
    this.#live.set(jobId, number);
  }

  end(jobId: string): void {
    this.#live.delete(jobId);
  }

  isLive(jobId: string): boolean {
    return this.#live.has(jobId);
  }

  get ids(): string[] {
    return [...this.#live.keys()];
  }

  /** Whether an address in the store belongs to a live job: it contains the folder of its number, or its id. */
  isLiveAddress(text: string): boolean {
    return this.#live
      .entries()
      .some(([jobId, number]) => text.includes(`/${jobFolder(number)}/`) || text.includes(jobId));
  }
}

/** The folder of a job in the store. */
export const jobFolder = (number: number): string => `job-${number}`;
