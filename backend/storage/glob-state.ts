/**
 * A state of a nondeterministic automaton over the characters (code points) of a key. All states that a key can lead to are
 * followed together, so that a key is read once and never backwards.
 */
export class GlobState {
  /** The character that leads on; undefined for a state that is passed without reading. */
  readonly #accepts: ((text: string) => boolean) | undefined;
  /** Whether it is passed only where no hidden component begins. */
  readonly #isVisible: boolean;
  readonly #next: GlobState[];
  /** The last step that came here. */
  #seen = 0;

  private constructor(accepts: ((text: string) => boolean) | undefined, isVisible: boolean, next: GlobState[]) {
    this.#accepts = accepts;
    this.#isVisible = isVisible;
    this.#next = next;
  }

  static end(): GlobState {
    return new GlobState(() => false, false, []);
  }

  /** Reads a character that `accepts` takes. */
  static reading(accepts: (text: string) => boolean, next: GlobState): GlobState {
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
    let before = "/";
    let states: GlobState[] = [this];
    for (const text of key) {
      const isHidden = before === "/" && (text === "_" || text === ".");
      const next: GlobState[] = [];
      for (const state of GlobState.#reached(states, isHidden))
        if (state.#accepts?.(text) === true) next.push(...state.#next);
      if (next.length === 0) return false;
      states = next;
      before = text;
    }
    return GlobState.#reached(states, false).includes(end);
  }

  /** The states that read, among those that can be reached from `states` without reading. */
  static #reached(states: readonly GlobState[], isHidden: boolean): readonly GlobState[] {
    const step = ++steps;
    const all: GlobState[] = [];
    const open = [...states];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (state.#seen === step) continue;
      state.#seen = step;
      if (state.#accepts !== undefined) all.push(state);
      else if (!state.#isVisible || !isHidden) open.push(...state.#next);
    }
    return all;
  }
}

/** Over all patterns, as states are told apart by it. */
let steps = 0;
