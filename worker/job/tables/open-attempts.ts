import type { AttemptRow } from "../../../shared/engine/machine.ts";

/** The attempts that are live or revoked, kept in memory: each message of a runner is about one of them. */
export class OpenAttempts {
  readonly #byId = new Map<string, AttemptRow>();
  readonly #byRunner = new Map<string, Map<string, AttemptRow>>();

  constructor(attempts: readonly AttemptRow[]) {
    for (const attempt of attempts) this.set(attempt);
  }

  get(id: string): AttemptRow | undefined {
    return this.#byId.get(id);
  }

  /** Those of a runner. */
  of(runner: string): AttemptRow[] {
    return [...(this.#byRunner.get(runner)?.values() ?? [])];
  }

  /** Takes up a new attempt, or what has become of one; one that is not open any more is dropped. */
  set(attempt: AttemptRow): void {
    const { id, runnerId, status } = attempt;
    const isOpen = status === "live" || status === "revoked";
    const ofRunner = this.#byRunner.get(runnerId) ?? new Map<string, AttemptRow>();
    if (isOpen) {
      this.#byId.set(id, attempt);
      this.#byRunner.set(runnerId, ofRunner.set(id, attempt));
    } else {
      this.#byId.delete(id);
      ofRunner.delete(id);
      if (ofRunner.size === 0) this.#byRunner.delete(runnerId);
    }
  }
}
