import { performance } from "node:perf_hooks";
import type { RunnerSession } from "../../shared/protocol/runner.ts";

/** The token that a runner authenticates with: the latest one from its link until that expires, else the one it started with. */
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

  /** Replaces the session token. Uses this machine's monotonic clock, because its time of day can differ from the Worker's. */
  renew({ token, seconds }: RunnerSession): void {
    this.#session = { token, until: performance.now() + seconds * 1000 };
  }
}
