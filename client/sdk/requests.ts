import type { Client } from "openapi-fetch";
import { connectionError, EdgefoldError, problemError } from "./error.ts";
import type { paths } from "./openapi.ts";
import { sleep } from "./sleep.ts";

/** How requests are made, and made again. */

export type ApiClient = Client<paths>;

export type RequestOptions = {
  /** Aborts the request, which then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
};

/** What openapi-fetch makes of an answer. `data` is missing if the answer is empty. */
export type Answer<Data> = { readonly data?: Data; readonly error?: unknown; readonly response: Response };

type Send<Data> = () => Promise<Answer<Data>>;

/** Makes a request. @throws EdgefoldError if it fails, or the signal's reason */
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

/** Most times that a request is sent again. */
const mostRetries = 3;

/** The longest wait before a request is sent again, in seconds. A longer one is left to the caller. */
const longestWait = 15;

/**
 * How long to wait before an idempotent request is sent again, in milliseconds.
 * @param error what it failed with
 * @param retries how often it was sent again already
 * @returns undefined if it must not be sent again
 */
export const retryDelay = (error: unknown, retries: number): number | undefined => {
  if (!(error instanceof EdgefoldError) || (error.status !== 429 && error.status !== 503)) return undefined;
  const { retryAfterSeconds: seconds } = error;
  return seconds === undefined || seconds > longestWait || retries >= mostRetries ? undefined : seconds * 1000;
};

/**
 * Makes an idempotent request. Sends it again, a few times, if the server is busy and says for how long.
 * @throws EdgefoldError if it fails, or the signal's reason
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

/** The body of an answer that must have one. @throws EdgefoldError */
export const dataOf = <Data>({ data }: Answer<Data>): Data => {
  if (data === undefined) throw connectionError(new Error("the answer is empty"));
  return data;
};
