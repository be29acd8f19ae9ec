import type { KubeObject } from "./object-schemas.ts";
import type { Plural } from "./resources.ts";
import { expired } from "./status.ts";

/** A change of an object. */
export type Change = {
  readonly plural: Plural;
  /** The version of the whole store after the change. */
  readonly version: number;
  /** The object before the change, if it existed. */
  readonly before: KubeObject | undefined;
  /** The object after the change, if it exists. */
  readonly after: KubeObject | undefined;
};

/** The latest changes, from which watches continue. */
export class History {
  /** The first version since which no change has been forgotten. */
  #oldest = 0;
  #changes: Change[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length <= this.#limit) return;
    const forgotten = this.#changes.shift();
    this.#oldest = forgotten?.version ?? this.#oldest;
  }

  /** The changes since a version, in order. @throws Refusal 410 if some of them were forgotten */
  since(version: number): Change[] {
    this.check(version);
    return this.#changes.filter((change) => change.version > version);
  }

  /** @throws Refusal 410 if changes since the version were forgotten */
  check(version: number): void {
    if (version < this.#oldest) throw expired(`too old resource version: ${version} (${this.#oldest})`);
  }

  /** Forgets everything up to a version. */
  forget(version: number): void {
    this.#changes = [];
    this.#oldest = version;
  }
}
