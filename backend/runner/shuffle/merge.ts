import { Cursor } from "./cursor.ts";
import { compareKeys } from "./key.ts";

/**
 * Merges sorted cursors into one. The merge is stable: values of equal keys come in the order of their cursors. Uses a binary
 * heap of cursors, each at its next piece. Pieces are passed on unchanged, however many values they have.
 */
class MergeCursor extends Cursor {
  /** A heap: `#heap[i]` is not after `#heap[2i + 1]` and `#heap[2i + 2]`. */
  readonly #heap: Source[] = [];
  #started = false;

  /** @param cursors cursors before their first piece */
  constructor(cursors: readonly Cursor[]) {
    super();
    cursors.forEach((cursor, rank) => {
      if (cursor.next()) this.#heap.push({ cursor, rank });
    });
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  override next(): boolean {
    const goesOn = this.#started && this.#advance();
    this.#started = true;
    const top = this.#heap[0]?.cursor;
    if (top === undefined) return false;
    this.show(top, goesOn);
    return true;
  }

  /** @returns whether the next piece has the same key as the previous one */
  #advance(): boolean {
    const heap = this.#heap;
    const top = heap[0];
    if (top === undefined) return false;
    // The next piece, if it is not from the same cursor, is at one of these two.
    const isShared = haveSameKey(top, heap[1]) || haveSameKey(top, heap[2]);
    if (!top.cursor.next()) {
      const last = heap.pop();
      if (last === undefined || heap.length === 0) return false;
      heap[0] = last;
    } else if (top.cursor.continued) {
      return true;
    }
    this.#sink(0);
    return isShared;
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

function haveSameKey({ cursor: a }: Source, other: Source | undefined): boolean {
  if (other === undefined || a.prefix !== other.cursor.prefix) return false;
  const b = other.cursor;
  return compareKeys(a.bytes, a.keyStart, a.keyEnd, b.bytes, b.keyStart, b.keyEnd) === 0;
}

function isBefore(a: Source, b: Source): boolean {
  const left = a.cursor;
  const right = b.cursor;
  if (left.prefix !== right.prefix) return left.prefix < right.prefix;
  const order = compareKeys(left.bytes, left.keyStart, left.keyEnd, right.bytes, right.keyStart, right.keyEnd);
  return order === 0 ? a.rank < b.rank : order < 0;
}

/** Merges cursors. A single cursor is returned as it is. */
export function merged(cursors: readonly Cursor[]): Cursor {
  const [first] = cursors;
  return first !== undefined && cursors.length === 1 ? first : new MergeCursor(cursors);
}
