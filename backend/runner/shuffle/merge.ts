import { Cursor } from "./cursor.ts";
import { compareKeys } from "./key.ts";

/**
 * Merges sorted cursors into one, stably: records with equal keys come in the order of their cursors. A binary heap of
 * cursors, each standing on its next record.
 */
class MergeCursor extends Cursor {
  /** A heap: `#heap[i]` is not after `#heap[2i + 1]` and `#heap[2i + 2]`. */
  readonly #heap: Source[] = [];
  #started = false;

  /** @param cursors before their first record */
  constructor(cursors: readonly Cursor[]) {
    super();
    cursors.forEach((cursor, rank) => {
      if (cursor.next()) this.#heap.push({ cursor, rank });
    });
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  override next(): boolean {
    if (this.#started) this.#advance();
    this.#started = true;
    const top = this.#heap[0]?.cursor;
    if (top === undefined) return false;
    this.bytes = top.bytes;
    this.keyStart = top.keyStart;
    this.keyEnd = top.keyEnd;
    this.valueEnd = top.valueEnd;
    this.prefix = top.prefix;
    return true;
  }

  #advance(): void {
    const top = this.#heap[0];
    if (top === undefined) return;
    if (!top.cursor.next()) {
      const last = this.#heap.pop();
      if (last === undefined || this.#heap.length === 0) return;
      this.#heap[0] = last;
    }
    this.#sink(0);
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const moved = heap[from];
    if (moved === undefined) return;
    let at = from;
    for (;;) {
      let child = heap[2 * at + 1];
      if (child === undefined) break;
      let childAt = 2 * at + 1;
      const right = heap[childAt + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childAt++;
      }
      if (isBefore(moved, child)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = moved;
  }
}

type Source = { readonly cursor: Cursor; readonly rank: number };

function isBefore(a: Source, b: Source): boolean {
  const left = a.cursor;
  const right = b.cursor;
  if (left.prefix !== right.prefix) return left.prefix < right.prefix;
  const order = compareKeys(left.bytes, left.keyStart, left.keyEnd, right.bytes, right.keyStart, right.keyEnd);
  return order === 0 ? a.rank < b.rank : order < 0;
}

/** Merges, or just walks where there is a single cursor. */
export function merged(cursors: readonly Cursor[]): Cursor {
  const [first] = cursors;
  return first !== undefined && cursors.length === 1 ? first : new MergeCursor(cursors);
}
