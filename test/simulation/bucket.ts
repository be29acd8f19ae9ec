import type { Random } from "../helpers/random.ts";

/** The R2 bucket of the artifacts: the contents that exist. Deletions can fail, even after taking effect. */
export class Bucket {
  readonly contents = new Set<string>();
  readonly #random: Random;
  readonly #odds: { readonly call: number };
  readonly #onDelete: (key: string) => void;

  /** @param onDelete called with each deleted content */
  constructor(random: Random, odds: { readonly call: number }, onDelete: (key: string) => void) {
    this.#random = random;
    this.#odds = odds;
    this.#onDelete = onDelete;
  }

  /** Only contents are simulated; there are no logs. */
  async list(): Promise<{ objects: never[]; truncated: false }> {
    this.#fail();
    return { objects: [], truncated: false };
  }

  async delete(keys: readonly string[]): Promise<void> {
    this.#fail();
    for (const key of keys) {
      this.#onDelete(key);
      this.contents.delete(key);
    }
    this.#fail();
  }

  #fail(): void {
    if (this.#random.chance(this.#odds.call)) throw new Error("R2 did not answer");
  }
}
