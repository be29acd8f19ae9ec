import type { Progress } from "../progress.ts";
import type { BlockSource } from "./blocks.ts";
import { Cursor } from "./cursor.ts";
import { VarintReader } from "./packed.ts";

/** How a module gets keys and values; see `ModuleProgram`. */
type Decoder = {
  readonly decode: (bytes: Buffer, start: number, end: number) => string | Buffer;
  readonly keepsViews: boolean;
};

/** Copies each block, so that views of it stay as they are. */
const ownBlocks =
  (blocks: BlockSource): BlockSource =>
  () => {
    const block = blocks();
    return block && { ...block, bytes: Buffer.from(block.bytes) };
  };

/** Iterates over sorted records key by key. */
export class Groups {
  /** The number of records and keys seen so far. */
  records = 0;
  groups = 0;
  readonly #sorted: Cursor;
  readonly #decode: Decoder["decode"];
  readonly #reader = new VarintReader();
  readonly #progress: Progress;
  /** Whether the cursor is at the first piece of a key that has not been started, within the current key, or at the end. */
  #at: "new key" | "current key" | "end" = "current key";

  constructor(sorted: BlockSource, { decode, keepsViews }: Decoder, progress: Progress) {
    this.#sorted = new Cursor(keepsViews ? ownBlocks(sorted) : sorted);
    this.#decode = decode;
    this.#progress = progress;
  }

  /** Advances to the next key and skips the remaining values of the current one. @returns false at the end */
  next(): boolean {
    while (this.#at === "current key") this.#advance();
    if (this.#at === "end") return false;
    this.#reader.at = this.#sorted.valuesStart;
    this.#at = "current key";
    this.groups++;
    return true;
  }

  /** The current key. Must be read before any of its values. */
  key(): string | Buffer {
    const { bytes, keyStart, keyEnd } = this.#sorted;
    return this.#decode(bytes, keyStart, keyEnd);
  }

  /** The values of the current key. Can be iterated once, and only until `next`. */
  values(): GroupValues {
    return new GroupValues(this, this.groups);
  }

  /** Whether the current key has another value. */
  isInGroup(): boolean {
    if (this.#at === "current key" && this.#reader.at === this.#sorted.valuesEnd) this.#advance();
    return this.#at === "current key";
  }

  /** Returns the next value of the current key. Call it only after `isInGroup`. */
  takeValue(): string | Buffer {
    const { bytes } = this.#sorted;
    const length = this.#reader.read(bytes);
    const start = this.#reader.at;
    this.#reader.at = start + length;
    return this.#decode(bytes, start, start + length);
  }

  #advance(): void {
    if (!this.#sorted.next()) {
      this.#at = "end";
      return;
    }
    this.records += this.#sorted.count;
    this.#progress.tick();
    this.#reader.at = this.#sorted.valuesStart;
    this.#at = this.#sorted.continued ? "current key" : "new key";
  }
}
/** The values of one key, as modules receive them: lazy, and iterable once. Values that are not read are skipped. */
class GroupValues extends Iterator<string | Buffer> {
  readonly #groups: Groups;
  readonly #group: number;
  #isStarted = false;
  #isClosed = false;

  constructor(groups: Groups, group: number) {
    super();
    this.#groups = groups;
    this.#group = group;
  }

  override [Symbol.iterator](): this {
    if (this.#isStarted) throw new TypeError("the values of a key can be walked over once: keep what is needed again");
    this.#isStarted = true;
    return this;
  }

  override next(): IteratorResult<string | Buffer, undefined> {
    if (this.#group !== this.#groups.groups) throw new TypeError("the values were used after `reduce` had returned");
    if (this.#isClosed || !this.#groups.isInGroup()) return { done: true, value: undefined };
    return { done: false, value: this.#groups.takeValue() };
  }

  override return(): IteratorResult<string | Buffer, undefined> {
    this.#isClosed = true;
    return { done: true, value: undefined };
  }
}
