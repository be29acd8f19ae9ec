const slash = 0x2f;
const dot = 0x2e;
const underscore = 0x5f;

/**
 * A state of a nondeterministic automaton over the code points of a key. Matching follows all reachable states in parallel, so
 * it reads a key once and never backtracks.
 */
export class GlobState {
  /** Whether the state accepts a code point; undefined for a state that consumes none (an epsilon transition). */
  readonly #accepts: ((code: number) => boolean) | undefined;
  /** Whether the state can be passed only where no hidden component begins. */
  readonly #isVisible: boolean;
  readonly #next: GlobState[];
  /** The last step that reached this state. */
  #seen = 0;

  private constructor(accepts: ((code: number) => boolean) | undefined, isVisible: boolean, next: GlobState[]) {
    this.#accepts = accepts;
    this.#isVisible = isVisible;
    this.#next = next;
  }

  static end(): GlobState {
    return new GlobState(() => false, false, []);
  }

  /** Reads one code point that `accepts` allows. */
  static reading(accepts: (code: number) => boolean, next: GlobState): GlobState {
    return new GlobState(accepts, false, [next]);
  }

  /** Continues in all of `next`. */
  static fork(next: readonly GlobState[]): GlobState {
    return new GlobState(undefined, false, [...next]);
  }

  /** Continues unless a hidden component, one starting with `_` or `.`, begins here. */
  static visible(next: GlobState): GlobState {
    return new GlobState(undefined, true, [next]);
  }

  /** Passes through `body` any number of times, then continues to `next`. `body` must lead back to the state it is given. */
  static loop(body: (again: GlobState) => GlobState, next: GlobState): GlobState {
    const loop = GlobState.fork([next]);
    loop.#next.push(body(loop));
    return loop;
  }

  /** Whether the whole `key` leads from here to `end`. */
  leadsTo(end: GlobState, key: string): boolean {
    let states = this.#reach([], ++steps, startsHidden(key, 0));
    for (let at = 0; at < key.length && states.length > 0;) {
      const code = key.codePointAt(at) ?? 0;
      at += code > 0xffff ? 2 : 1;
      const reading: GlobState[] = [];
      const step = ++steps;
      const isHidden = code === slash && startsHidden(key, at);
      for (const state of states) {
        if (state.#accepts?.(code) === true) for (const next of state.#next) next.#reach(reading, step, isHidden);
      }
      states = reading;
    }
    return states.includes(end);
  }

  /** Adds to `reading` all reading states that can be reached from here without consuming a code point. */
  #reach(reading: GlobState[], step: number, isHidden: boolean): GlobState[] {
    if (this.#seen === step) return reading;
    this.#seen = step;
    if (this.#accepts !== undefined) reading.push(this);
    else if (!this.#isVisible || !isHidden) for (const state of this.#next) state.#reach(reading, step, isHidden);
    return reading;
  }
}

const startsHidden = (key: string, at: number): boolean => {
  const code = key.charCodeAt(at);
  return code === underscore || code === dot;
};

/** A counter shared by all patterns, because states compare their last step with it. */
let steps = 0;
