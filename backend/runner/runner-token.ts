import { performance } from "node:perf_hooks";
import type { RunnerSession } from "../../shared/protocol/runner.ts";

/** The token with which a runner shows whose it is: what came over its link last, as long as that lives, else what it started with. */
export class RunnerToken {
  readonly #first: string;
  #session: { readonly token: string; readonly until: number } | undefined;

  constructor(first: string) {
    this.#first = first;
  }

  get current(): string {
    const session = this.#session;
    return session !== undefined && performance.now() < session.until ? session.token : this.#first;
  }

  /** By this machine's own monotonic clock, as its time of day may be another than the Worker's. */
  renew({ token, seconds }: RunnerSession): void {
    this.#session = { token, until: performance.now() + seconds * 1000 };
  }
}
