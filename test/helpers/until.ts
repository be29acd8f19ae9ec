import { setTimeout as sleep } from "node:timers/promises";

/** How long a condition may take to come true, in ms; on a busy machine everything takes long. */
const limitMs = 60_000;

/** Waits until `read` returns something that is not undefined. @throws Error that names `what` did not come about */
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

/** Waits until `list` returns an empty list. @throws Error with what it held last */
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
