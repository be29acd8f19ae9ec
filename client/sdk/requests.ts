import type { Client } from "openapi-fetch";
import { connectionError, EdgefoldError, problemError } from "./error.ts";
import type { paths } from "./openapi.ts";
import { sleep } from "./sleep.ts";

/** Sends requests, and retries them. */

export type ApiClient = Client<paths>;

export type RequestOptions = {
  /** Aborts the request, which then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
};

/** A response as openapi-fetch returns it. `data` is missing if the response is empty. */
export type Answer<Data> = { readonly data?: Data; readonly error?: unknown; readonly response: Response };

type Send<Data> = () => Promise<Answer<Data>>;

/** Sends a request once. @throws EdgefoldError if it fails, or the signal's reason if it is aborted */
export const once = async <Data>(send: Send<Data>, { signal }: RequestOptions): Promise<Answer<Data>> => {
  let answer: Answer<Data>;
  try {
    answer = await send();
  } catch (error) {
    signal?.throwIfAborted();
    throw connectionError(error);
  }
  if (!answer.response.ok) throw problemError(answer.response, answer.error);
  return answer;
};

/** The maximum number of retries of a request. */
const mostRetries = 3;

/** The longest wait before a retry, in seconds. Longer waits are left to the caller. */
const longestWait = 15;

/**
 * Returns how long to wait before retrying an idempotent request, in milliseconds.
 * @param error the error it failed with
 * @param retries how many times it has been retried already
 * @returns undefined if it must not be retried
 */
export const retryDelay = (error: unknown, retries: number): number | undefined => {
  if (!(error instanceof EdgefoldError) || (error.status !== 429 && error.status !== 503)) return undefined;
  const { retryAfterSeconds: seconds } = error;
  return seconds === undefined || seconds > longestWait || retries >= mostRetries ? undefined : seconds * 1000;
};

/**
 * Sends an idempotent request. Retries it a few times if the server is busy and says when to retry.
 * @throws EdgefoldError if it fails, or the signal's reason if it is aborted
 */
export const repeatably = async <Data>(send: Send<Data>, options: RequestOptions): Promise<Answer<Data>> => {
  for (let retries = 0; ; retries++) {
    try {
      return await once(send, options);
    } catch (error) {
      const delay = retryDelay(error, retries);
      if (delay === undefined) throw error;
      await sleep(delay, options.signal);
    }
  }
};

/** Returns the body of a response. @throws EdgefoldError if it is empty */
export const dataOf = <Data>({ data }: Answer<Data>): Data => {
  if (data === undefined) throw connectionError(new Error("the answer is empty"));
  return data;
};
