const slash = 0x2f;
const dot = 0x2e;
const underscore = 0x5f;

/**
 * A state of a nondeterministic automaton over the code points of a key. All states that a key can lead to are followed
 * together, so that a key is read once and never backwards.
 */
export class GlobState {
  /** Whether a code point leads on; undefined for a state that is passed without reading. */
  readonly #accepts: ((code: number) => boolean) | undefined;
  /** Whether it is passed only where no hidden component begins. */
  readonly #isVisible: boolean;
  readonly #next: GlobState[];
  /** The last step that came here. */
  #seen = 0;

  private constructor(accepts: ((code: number) => boolean) | undefined, isVisible: boolean, next: GlobState[]) {
    this.#accepts = accepts;
    this.#isVisible = isVisible;
    this.#next = next;
  }

  static end(): GlobState {
    return new GlobState(() => false, false, []);
  }

  /** Reads a code point that `accepts` takes. */
  static reading(accepts: (code: number) => boolean, next: GlobState): GlobState {
    return new GlobState(accepts, false, [next]);
  }

  /** Goes on in all of `next`. */
  static fork(next: readonly GlobState[]): GlobState {
    return new GlobState(undefined, false, [...next]);
  }

  /** Goes on where no component begins that is hidden, with `_` or `.` first. */
  static visible(next: GlobState): GlobState {
    return new GlobState(undefined, true, [next]);
  }

  /** Goes through `body`, which leads back to the state that it is given, any number of times, then to `next`. */
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

  /** Adds the states that read to `reading`, of those that can be reached from here without reading. */
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

/** Over all patterns, as states are told apart by it. */
let steps = 0;
