/** Calls `act` for each item, at most `width` at a time. @throws the first failure, once the calls in progress have ended */
export const inParallel = async <T>(items: Iterable<T>, act: (item: T) => Promise<void>, width = 8): Promise<void> => {
  const queue = items[Symbol.iterator]();
  let failed = false;
  const work = async (): Promise<void> => {
    for (let next = queue.next(); !failed && next.done !== true; next = queue.next()) {
      try {
        await act(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: width }, work));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
};
