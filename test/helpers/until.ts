import { setTimeout as sleep } from "node:timers/promises";

/** How long a condition may take to become true, in ms; everything is slow on a busy machine. */
const limitMs = 60_000;

/** Waits until `read` returns a value other than undefined. @throws Error naming `what` if it does not happen in time */
export const until = async <T>(
  what: string,
  read: () => Promise<T | undefined> | T | undefined,
  limit = limitMs,
): Promise<T> => {
  for (const end = Date.now() + limit; Date.now() < end; await sleep(50)) {
    const value = await read();
    if (value !== undefined) return value;
  }
  throw new Error(`not within ${limit / 1000} s: ${what}`);
};

/** Waits until `list` returns an empty list. @throws Error with the last list */
export const untilNone = async (
  what: string,
  list: () => Promise<readonly unknown[]> | readonly unknown[],
): Promise<void> => {
  let last: readonly unknown[] = [];
  try {
    await until(what, async () => {
      last = await list();
      return last.length === 0 ? true : undefined;
    });
  } catch (error) {
    throw new Error(`there are still ${what}: ${JSON.stringify(last)}`, { cause: error });
  }
};
