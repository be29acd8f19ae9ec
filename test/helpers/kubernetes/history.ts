import type { KubeObject } from "./object-schemas.ts";
import type { Plural } from "./resources.ts";
import { expired } from "./status.ts";

/** What has become of an object. */
export type Change = {
  readonly plural: Plural;
  /** The version of the whole store that it has made. */
  readonly version: number;
  /** As it was before, where it was there. */
  readonly before: KubeObject | undefined;
  /** As it is now, where it is there. */
  readonly after: KubeObject | undefined;
};

/** The last changes, from which watches go on. */
export class History {
  /** The first version after which no change is forgotten. */
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

  /** What came after a version, in order. @throws Refusal 410 where some of it is forgotten */
  since(version: number): Change[] {
    this.check(version);
    return this.#changes.filter((change) => change.version > version);
  }

  /** @throws Refusal 410 where something that came after the version is forgotten */
  check(version: number): void {
    if (version < this.#oldest) throw expired(`too old resource version: ${version} (${this.#oldest})`);
  }

  /** Forgets everything up to a version. */
  forget(version: number): void {
    this.#changes = [];
    this.#oldest = version;
  }
}
