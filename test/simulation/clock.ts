import { afterTurn } from "./turn.ts";

/** Something that happens at a certain time, unless it is cancelled. */
export type Event = { readonly at: number; readonly order: number; run: (() => void) | undefined };

/** Virtual time: it stands still while something happens, and then jumps to the next event. */
export class Clock {
  now: number;
  #order = 0;
  /** A binary heap, by time and then by order. */
  readonly #heap: Event[] = [];

  /** @param now in ms since 1970 */
  constructor(now: number) {
    this.now = now;
  }

  /** Makes something happen in `ms` milliseconds. */
  after(ms: number, run: () => void): Event {
    const event: Event = { at: this.now + Math.max(0, Math.round(ms)), order: this.#order++, run };
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
    return event;
  }

  async sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.after(ms, resolve);
    });
  }

  cancel(event: Event | undefined): void {
    if (event !== undefined) event.run = undefined;
  }

  /** Runs the next event and everything that immediately follows from it. @returns false if there are no more events */
  async step(): Promise<boolean> {
    const event = this.#pop();
    if (event === undefined) return false;
    this.now = event.at;
    if (event.run === undefined) return true;
    event.run();
    await this.settle();
    return true;
  }

  /** Waits until everything that happens now is over. */
  async settle(): Promise<void> {
    await new Promise<void>(afterTurn);
  }

  #pop(): Event | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first !== undefined && last !== undefined && last !== first) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    return first;
  }

  #rise(index: number): void {
    const event = this.#heap[index];
    if (event === undefined) return;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || !isBefore(event, parent)) break;
      this.#heap[index] = parent;
      index = above;
      this.#heap[index] = event;
    }
  }

  #sink(index: number): void {
    const event = this.#heap[index];
    if (event === undefined) return;
    for (;;) {
      const left = 2 * index + 1;
      const [a, b] = [this.#heap[left], this.#heap[left + 1]];
      if (a === undefined) break;
      const [child, at] = b !== undefined && isBefore(b, a) ? [b, left + 1] : [a, left];
      if (!isBefore(child, event)) break;
      this.#heap[index] = child;
      index = at;
      this.#heap[index] = event;
    }
  }
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
