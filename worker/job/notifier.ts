import type { Env } from "../env.ts";
import type { Deliveries } from "../platform/event-loop.ts";
import { signNotification } from "../secrets/notification-keys.ts";
import { openCredentials, UnopenableError } from "../secrets/sealed.ts";
import { beginTry, endTry, tryMs, type TryFailure } from "./notification.ts";
import type { Session } from "./session.ts";
import type { JobStore } from "./store.ts";
import { viewJob } from "./views.ts";

type NotifierParts = {
  readonly env: Env;
  readonly store: JobStore;
  /** Runs one event of the job. */
  readonly run: (event: (session: Session) => void) => void;
};

/** What a receiver that wants no more says. */
const gone = 410;

/** Notifies whoever is to know of the job's end, at least once. */
export class Notifier implements Deliveries {
  readonly #parts: NotifierParts;
  #isBusy = false;

  constructor(parts: NotifierParts) {
    this.#parts = parts;
  }

  next(): number | undefined {
    const row = this.#parts.store.notification.get();
    if (row === null || row.sealed === null || row.due === null) return undefined;
    // A try that is under way is over by then, and what is due after it is looked at again.
    return this.#isBusy ? Math.max(row.due, Date.now() + tryMs) : row.due;
  }

  async deliver(): Promise<void> {
    const { store, run } = this.#parts;
    const row = store.notification.get();
    if (this.#isBusy || row === null || row.sealed === null) return;
    this.#isBusy = true;
    try {
      run((session) => beginTry(session, row));
      const { endedAt } = store.job.row();
      const failure = await this.#try(row.sealed);
      // It may have been erased meanwhile, or resumed: then this was not its end.
      if (store.exists() && store.job.row().endedAt === endedAt) run((session) => endTry(session, failure));
    } finally {
      this.#isBusy = false;
    }
  }

  async #try(sealed: string): Promise<TryFailure | undefined> {
    const { env, store } = this.#parts;
    // Read at once: while anything is waited for, the job may be erased.
    const { id, endedAt } = store.job.row();
    const body = JSON.stringify(viewJob(store));
    try {
      const url = await openCredentials(env, id, sealed);
      const headers = {
        "Content-Type": "application/json",
        "Edgefold-Job": id,
        // The same with each try.
        "Edgefold-Delivery": `${id}.${endedAt}`,
        "Edgefold-Signature": await signNotification(env, Date.now(), body),
      };
      return await post(url, headers, body);
    } catch (error) {
      if (error instanceof UnopenableError) {
        return { reason: "its URL was sealed with a key that the Worker does not know any more", final: true };
      }
      console.error(`the notification of the end of job ${id} could not be sent`, error);
      return { reason: "it could not be sent", final: false };
    }
  }
}

const post = async (url: string, headers: HeadersInit, body: string): Promise<TryFailure | undefined> => {
  const limit = new AbortController();
  // Not AbortSignal.timeout, which would keep the object awake to its end.
  const timer = setTimeout(() => limit.abort(), tryMs);
  try {
    const { signal } = limit;
    const answer = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    // Nobody reads what it says, and its end may never come.
    await answer.body?.cancel();
    return answer.ok
      ? undefined
      : { reason: `the receiver answered with ${answer.status}`, final: answer.status === gone };
  } catch {
    // What the runtime says can hold the URL.
    const reason = limit.signal.aborted
      ? `the receiver did not answer within ${tryMs / 1000} s`
      : "the receiver could not be reached";
    return { reason, final: false };
  } finally {
    clearTimeout(timer);
  }
};
