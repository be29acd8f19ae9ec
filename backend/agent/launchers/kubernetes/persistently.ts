import { setTimeout as sleep } from "node:timers/promises";
import { Backoff, type BackoffTimes } from "../../../../shared/backoff.ts";
import type { Outage } from "./outage.ts";

/** Repeats a request to the API server until it succeeds. */
export const persistently = async <T>(
  what: string,
  ask: () => Promise<T>,
  outage: Outage,
  times: BackoffTimes,
): Promise<T> => {
  for (const backoff = new Backoff(times); ;) {
    try {
      const answer = await ask();
      outage.succeeded(what);
      return answer;
    } catch (error) {
      outage.failed(what, error);
      await sleep(backoff.next());
    }
  }
};
