import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { asError } from "./as-error.ts";

/** What the server says, asked for again and again while the page is looked at. */
export type Loaded<T> = {
  readonly value: T | undefined;
  /** Why the last try failed; then the value is an older one. */
  readonly error: Error | undefined;
  /** When the value was loaded, in ms since 1970. */
  readonly at: number | undefined;
  readonly reload: () => void;
};

/**
 * Loads something now, whenever `inputs` change, and every `everyMs` milliseconds while the page is visible.
 * @param everyMs undefined to load it once
 */
export const useLoaded = <T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: readonly unknown[],
  everyMs?: number,
): Loaded<T> => {
  const [state, setState] = useState<Omit<Loaded<T>, "reload">>({ value: undefined, error: undefined, at: undefined });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    setState({ value: undefined, error: undefined, at: undefined });
  }, inputs);
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async (): Promise<void> => {
      try {
        const value = await latest.current(abort.signal);
        if (!abort.signal.aborted) setState({ value, error: undefined, at: Date.now() });
      } catch (error) {
        if (abort.signal.aborted) return;
        setState((before) => ({ ...before, error: asError(error) }));
      }
      if (everyMs !== undefined && !abort.signal.aborted) timer = setTimeout(wait, everyMs);
    };
    /** A page that nobody looks at asks nothing. */
    const wait = (): void => {
      if (document.hidden) document.addEventListener("visibilitychange", wait, { once: true });
      else void run();
    };
    void run();
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", wait);
    };
  }, [...inputs, everyMs, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  return { ...state, reload };
};
