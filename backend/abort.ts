/** Waits for `promise`, but no longer than until the abort. @throws the signal's reason, or what the promise rejects with */
export function abortable<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    // A rejection's reason is whatever the aborting side gave; it is passed on as it is.
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(
      (value) => {
        signal.removeEventListener("abort", abort);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener("abort", abort);
        reject(error);
      },
    );
  });
}

/** The items of `source` until the abort, which also ends a wait for the next one. @throws the signal's reason */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, void> {
  const items = source[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const item = await abortable(items.next(), signal);
      if (item.done === true) break;
      yield item.value;
    }
    ended = true;
  } finally {
    // Not awaited: where the source hangs in `next`, its `return` hangs as well.
    if (!ended) items.return?.().catch(() => undefined);
  }
}
