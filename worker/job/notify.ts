import type { Env } from "../env.ts";
import { signNotification } from "../secrets/notification-keys.ts";
import { openCredentials, UnopenableError } from "../secrets/sealed.ts";
import { endTry, tryMs, type TryFailure } from "./notification.ts";
import type { Session } from "./session.ts";
import type { JobStore } from "./store.ts";
import { viewJob } from "./views.ts";

type Parts = {
  readonly env: Env;
  readonly store: JobStore;
  /** Runs one event of the job. */
  readonly run: (event: (session: Session) => void) => void;
};

/** What a receiver that wants no more says. */
const gone = 410;

/** Makes the try that was begun to notify of the job's end, and notes what comes of it. */
export const notifyOfEnd = async ({ env, store, run }: Parts): Promise<void> => {
  // Read at once: while anything is waited for, the job may be erased.
  const { id, endedAt } = store.job.row();
  const sealed = store.notification.get()?.sealed;
  if (sealed == null) return;
  const failure = await send(env, id, `${id}.${endedAt}`, sealed, JSON.stringify(viewJob(store)));
  // Or resumed: then this was not its end.
  if (store.exists() && store.job.row().endedAt === endedAt) run((session) => endTry(session, failure));
};

/** @param delivery the same with each try */
const send = async (
  env: Env,
  jobId: string,
  delivery: string,
  sealed: string,
  body: string,
): Promise<TryFailure | undefined> => {
  try {
    const url = await openCredentials(env, jobId, sealed);
    const headers = {
      "Content-Type": "application/json",
      "Edgefold-Job": jobId,
      "Edgefold-Delivery": delivery,
      "Edgefold-Signature": await signNotification(env, Date.now(), body),
    };
    return await post(url, headers, body);
  } catch (error) {
    if (error instanceof UnopenableError) {
      return { reason: "its URL was sealed with a key that the Worker does not know any more", final: true };
    }
    console.error(`the notification of the end of job ${jobId} could not be sent`, error);
    return { reason: "it could not be sent", final: false };
  }
};

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
