/** Waits for `promise` until the signal aborts. @throws the signal's reason, or what the promise rejects with */
export function abortable<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    // Rejects with the reason exactly as the aborting side gave it.
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

/** Yields the items of `source` until the signal aborts, even while waiting for the next item. @throws the signal's reason */
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
    // Not awaited: if the source hangs in `next`, its `return` hangs as well.
    if (!ended) items.return?.().catch(() => undefined);
  }
}
